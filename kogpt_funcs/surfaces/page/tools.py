"""Beside a form: a link to what stands in it, the same as a program, and this visit's answers.

The browser does it (static/tools.js); the server tells it which fields there are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.shape import Shape, is_flat, item, shapes
from kogpt_funcs.surfaces.page.translations import word

_LANGUAGES = ("curl", "Python", "JavaScript")


def tools(function: Function, names: Sequence[str]) -> gr.HTML:
    """Laid out where it is called; `names` are the function's fields in the order of the form."""
    fields = json.dumps([described(function.fields[name]) for name in names], ensure_ascii=False)
    now = settings.current()
    keyed = "true" if now.api_key or now.public.keys else "false"
    return gr.HTML(
        f'<div data-function="{function.name}" data-key="{keyed}" data-fields="{escape(fields)}">{_body()}</div>',
        elem_id=f"{function.name}-tools",
        elem_classes="kogpt-tools",
        apply_default_css=False,
    )


def listen(function: Function, inputs: Sequence[Component], running: Dependency, filled: Dependency) -> None:
    """Tells the scripts what stands in the form and when it is answered; an example that has filled it then runs."""

    def script(event: str) -> dict[str, Any]:
        js = f"(...values) => {{ window.kogpt?.{event}({json.dumps(function.name)}, ...values); return []; }}"
        return {"fn": None, "js": js, "show_progress": "hidden", "api_visibility": "private"}

    changes = [box.change for box in inputs if hasattr(box, "change")]
    gr.on(changes, inputs=list(inputs), **script("changed"))
    running.then(**script("answered"))
    filled.then(**script("run"))


def described(shape: Shape) -> dict[str, Any]:
    """A field as static/values.js reads it; `kind` says which component stands for it (see components.py)."""
    row = item(shape.kind)
    columns = [{"name": name, "kind": _kind(column)} for name, column in shapes(row).items()] if is_flat(row) else []
    return {
        "name": shape.name,
        "kind": _kind(shape),
        "standard": shape.default,
        "required": shape.required,
        "optional": shape.optional,
        "longest": shape.longest if shape.kind is str else None,
        "columns": columns,
    }


def _kind(shape: Shape) -> str:
    if shape.choices or (shape.kind is bool and not shape.optional):
        return "choice"
    if shape.number or shape.kind is str:
        return "number" if shape.number else "text"
    if item(shape.kind) is str:
        return "lines"
    return "table" if is_flat(item(shape.kind)) else "json"


def _body() -> str:
    calls = "".join(
        f'<h4>{language}</h4><div class="kogpt-card"><pre class="kogpt-text" data-language="{language}"></pre>'
        f"{_copy_button()}</div>"
        for language in _LANGUAGES
    )
    return (
        f'<p class="kogpt-hint"><kbd>Ctrl</kbd> + <kbd>Enter</kbd> {word("keys")}</p>'
        f'<button type="button" class="kogpt-share">{word("share")}</button>'
        '<span class="kogpt-shared" role="status"></span>'
        f'<details class="kogpt-calls"><summary>{word("calls")}</summary>{calls}</details>'
        f'<details class="kogpt-visit" hidden><summary>{word("visit")} <span class="kogpt-visits"></span></summary>'
        f"<p>{word('visit_where')}</p><ol></ol>"
        f'<button type="button" class="kogpt-forget">{word("forget")}</button></details>'
    )


def _copy_button() -> str:
    return f'<button type="button" class="kogpt-copy"><span class="kogpt-unseen">{word("copy")}</span></button>'
