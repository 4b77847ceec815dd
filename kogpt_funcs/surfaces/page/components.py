"""From a field of an Input model to what a person fills in, and from that back to JSON. It knows no function."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr
from pydantic import BaseModel

from kogpt_funcs.contract.english import Text
from kogpt_funcs.contract.errors import InvalidInput
from kogpt_funcs.contract.shape import Shape, is_flat, item, plain, shapes
from kogpt_funcs.surfaces.page.translations import WORDS, Dictionary

_FEW = 5  # so many choices are laid out side by side; more go into a dropdown
_LONG = 200  # a text that may be longer than this gets several lines
_STEPS = 2_000  # a range with more steps than this is typed, not slid


def _same(value: Any) -> Any:
    return value


#: A choice's value → what it is called in Korean and in English.
Label = Callable[[Any], tuple[str, str]]


class Control(NamedTuple):
    """A component, `show` (JSON value → the component's value) and `read` (the browser's value → JSON value)."""

    component: gr.components.Component
    show: Callable[[Any], Any] = _same
    read: Callable[[Any], Any] = _same


@dataclass(frozen=True)
class Field:
    """One field of a function's Input on the page; `problem` is the line below it that says what is wrong."""

    name: str
    default: Any
    control: Control
    problem: gr.HTML

    def shown(self, data: dict[str, Any]) -> Any:
        """The component's value for the JSON object `data`; the default if `data` leaves the field out."""
        return self.control.show(data.get(self.name, self.default))


def field(function: str, looks: Shape, english: Text, label: Label, words: Dictionary) -> Field:
    """Lays the field out where it is called, inside an open gr.Blocks. `label` says a choice in Korean and English."""
    says: dict[str, Any] = {
        "label": words.say(looks.title, english.title),
        "info": words.say(looks.description, english.description),
        "elem_id": f"{function}-{looks.name}",
        "interactive": True,
    }
    with gr.Column(elem_classes="kogpt-field", min_width=160):
        control = _control(looks, says, label, words)
        problem = gr.HTML(
            "",
            elem_id=f"{function}-{looks.name}-problem",
            elem_classes="kogpt-problem",
            apply_default_css=False,
        )
    return Field(looks.name, looks.default, control, problem)


def _control(looks: Shape, says: dict[str, Any], label: Label, words: Dictionary) -> Control:
    if looks.kind is bool and not looks.optional:
        return Control(gr.Checkbox(value=bool(looks.default), **says))
    if looks.choices:
        pick = gr.Radio if len(looks.choices) <= _FEW else gr.Dropdown
        return Control(pick([(words.say(*label(c)), c) for c in looks.choices], value=looks.default, **says))
    if looks.number:
        return _number(looks, says)
    if looks.kind is str:
        return _text(looks, says)
    if item(looks.kind) is str:
        return _lines(looks, {**says, "info": words.word("lines")})
    if is_flat(item(looks.kind)):
        return _table(item(looks.kind), looks, says)
    return _json(looks, {**says, "info": words.word("json")})


def _number(looks: Shape, says: dict[str, Any]) -> Control:
    low, high, step = looks.low, looks.high, looks.step
    if not looks.optional and low is not None and high is not None and (high - low) / step <= _STEPS:
        value = looks.example if looks.default is None else looks.default
        slider = gr.Slider(low, high, value=value, step=step, buttons=[], **says)
        return Control(slider, read=lambda v: _number_of(looks.kind, v))

    def show(value: Any) -> str:
        return "" if value is None else str(value)

    # gr.Number turns an empty value into 0; a line of text can stay empty.
    box = gr.Textbox(value=show(looks.default), max_lines=1, placeholder=show(looks.example), **says)
    return Control(box, show, lambda v: _number_of(looks.kind, v))


def _text(looks: Shape, says: dict[str, Any]) -> Control:
    long = looks.longest is None or looks.longest > _LONG
    box = gr.Textbox(
        value=looks.default or "",
        placeholder=str(looks.example or ""),
        lines=4 if long else 1,
        max_lines=14 if long else 1,
        **says,
    )
    return Control(box, lambda v: v or "", (lambda v: v or None) if looks.optional else _same)


def _lines(looks: Shape, says: dict[str, Any]) -> Control:
    def show(value: Any) -> str:
        return "\n".join(value or [])

    def read(value: Any) -> list[str] | None:
        return [line for line in str(value or "").splitlines() if line.strip()] or (None if looks.optional else [])

    return Control(gr.Textbox(value=show(looks.default), lines=3, max_lines=14, **says), show, read)


def _table(model: type[BaseModel], looks: Shape, says: dict[str, Any]) -> Control:
    columns = {name: column.kind for name, column in shapes(model).items()}

    def show(value: Any) -> list[list[Any]]:
        return [[plain(row).get(name) for name in columns] for row in value or []] or [[""] * len(columns)]

    def read(value: Any) -> list[dict[str, Any]]:
        rows = value.get("data", []) if isinstance(value, dict) else []
        cells = ([(n, _number_of(columns[n], cell)) for n, cell in zip(columns, row, strict=False)] for row in rows)
        filled = ({name: cell for name, cell in row if cell not in (None, "")} for row in cells)
        return [row for row in filled if row]

    table = gr.Dataframe(
        show(looks.default),
        headers=[column.title or name for name, column in shapes(model).items()],
        wrap=True,
        column_count=len(columns),
        type="array",
        datatype=["bool" if kind is bool else "str" for kind in columns.values()],
        **{key: value for key, value in says.items() if key != "info"},
    )
    return Control(table, show, read)


def _json(looks: Shape, says: dict[str, Any]) -> Control:
    def show(value: Any) -> str:
        return "" if value is None else json.dumps(plain(value), ensure_ascii=False)

    def read(value: Any) -> Any:
        if not str(value or "").strip():
            return None
        try:
            return json.loads(value)
        except (ValueError, TypeError, RecursionError):
            said = (text.format(example=show(looks.example)) for text in WORDS["not_json"])
            raise InvalidInput.of(looks.name, *said) from None

    box = gr.Textbox(value=show(looks.default), lines=3, max_lines=20, placeholder=show(looks.example), **says)
    return Control(box, show, read)


def _number_of(kind: Any, value: Any) -> Any:
    """The number that a person meant; what is no number stays as it is, for the Input to complain about."""
    if kind not in (int, float):
        return value
    if isinstance(value, str):
        text = value.strip().replace(",", "")
        for number in (int, float):
            try:
                value = number(text)
                break
            except ValueError:
                continue
        if not text:
            return None
    return int(value) if kind is int and isinstance(value, float) and value.is_integer() else value
