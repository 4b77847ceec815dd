"""Links into the page: ?tab=NAME&field=value… opens the tab with its form filled; the back button opens the one before.

The browser keeps the address (static/address.js); what it asks for is judged here, as any input is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import gradio as gr

from kogpt_funcs.contract.errors import FieldProblem, InvalidInput
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.reading import from_text
from kogpt_funcs.surfaces.page.form import Form, Update

_LONGEST = 200_000  # characters of a query: an earlier input may be longer than an address
_MOST_FIELDS = 200
_RESERVED = ("tab", "view")  # the page's and Gradio's; a field of that name is written field.NAME


def link_up(blocks: gr.Blocks, tabs: gr.Tabs | None, forms: Sequence[Form]) -> None:
    """Wires the page's start and the back button; call it inside the open gr.Blocks."""
    wanted = gr.Textbox(visible="hidden", elem_id="kogpt-wanted")
    back = gr.Button(visible="hidden", elem_id="kogpt-open")
    known = {form.function.name: form for form in forms}
    parts = [part for form in forms for field in form.fields for part in (field.control.component, field.problem)]

    def opened(query: str) -> dict[gr.blocks.Block, Any]:
        asked = _parsed(query)
        name = asked.get("tab", "" if tabs else next(iter(known), ""))
        updates: dict[gr.blocks.Block, Any] = {wanted: ""}
        if tabs is not None and "tab" in asked:
            updates[tabs] = gr.update(selected=name)
        if name in known:
            updates.update(_filled(known[name], asked).items())
        return updates

    for event in (blocks.load, back.click):
        event(
            opened,
            inputs=wanted,
            outputs=[wanted, *([tabs] if tabs else []), *parts],
            js="() => [window.kogpt?.take() ?? location.search]",
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )


def _parsed(query: str) -> dict[str, str]:
    """The last value of each name; nothing for what is no query."""
    try:
        found = parse_qs(str(query or "").lstrip("?")[:_LONGEST], keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in found.items()}


def _filled(form: Form, asked: dict[str, str]) -> Update:
    """Every field of the form as `asked` has it, or else its default; what does not fit is told beside its field."""
    keys = {field.name: _key(field.name) for field in form.fields}
    if not any(key in asked for key in keys.values()):
        return {}
    shapes = form.function.fields
    data = {name: from_text(shapes[name], asked[key]) for name, key in keys.items() if key in asked}
    problems = _problems(form.function, data)
    wrong = {problem.field.partition(".")[0] for problem in problems}
    fitting = {name: value for name, value in data.items() if name not in wrong or shapes[name].kind is str}
    updates: Update = {field.control.component: field.shown(fitting) for field in form.fields}
    return updates | {field.problem: "" for field in form.fields} | form.told(problems)


def _problems(function: Function, data: dict[str, Any]) -> tuple[FieldProblem, ...]:
    try:
        function.parse({**function.examples[0], **data})
    except InvalidInput as error:
        return error.problems
    return ()


def _key(name: str) -> str:
    return f"field.{name}" if name in _RESERVED or name.startswith("__") else name
