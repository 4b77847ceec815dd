"""From a field of an Input model to what a person fills in, and from that back to JSON. It knows no function."""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import gradio as gr
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kogpt_funcs.errors import InvalidInput
from kogpt_funcs.serving.translations import WORDS, Dictionary, english_name

_FEW = 5  # so many choices are laid out side by side; more go into a dropdown
_LONG = 200  # a text that may be longer than this gets several lines
_STEPS = 2_000  # a range with more steps than this is typed, not slid


class Control(NamedTuple):
    """A component, `show` (JSON value → the component's value) and `read` (the browser's value → JSON value)."""

    component: gr.components.Component
    show: Callable[[Any], Any] = lambda value: value
    read: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True)
class Field:
    """One field of a function's Input on the page; `problem` is the line below it that says what is wrong."""

    name: str
    info: FieldInfo
    control: Control
    problem: gr.HTML

    def shown(self, data: dict[str, Any]) -> Any:
        """The component's value for the JSON object `data`, the field's default if `data` leaves it out."""
        value = data.get(self.name, None if self.info.is_required() else self.info.get_default(call_default_factory=True))
        return self.control.show(value)


def field(function: str, name: str, info: FieldInfo, words: Dictionary) -> Field:
    """Lays the field out where it is called, inside an open gr.Blocks."""
    with gr.Column(elem_classes="kogpt-field", min_width=160):
        control = _control(f"{function}-{name}", name, info, words)
        problem = gr.HTML(
            "", elem_id=f"{function}-{name}-problem", elem_classes="kogpt-problem", apply_default_css=False,
        )  # fmt: skip
        return Field(name, info, control, problem)


def _control(elem_id: str, name: str, info: FieldInfo, words: Dictionary) -> Control:
    kind, optional = _kind(info)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    says = {
        "label": words.say(info.title or name, english_name(name)),
        "info": words.say(info.description or "", _english_info(kind, info, optional)),
        "elem_id": elem_id,
        "interactive": True,
    }
    if kind is bool and not optional:
        return Control(gr.Checkbox(value=bool(default), **says))
    if choices := _choices(kind):
        pick = gr.Radio if len(choices) <= _FEW else gr.Dropdown
        return Control(pick(choices, value=_plain(default), **says), show=_plain)
    if kind in (int, float):
        return _number(kind, info, default, optional, says)
    if kind is str:
        return Control(_textbox(info, default, says), show=lambda v: v or "", read=_optional_text if optional else _same)
    return _structure(name, kind, info, default, words, says)


def _number(kind: type, info: FieldInfo, default: Any, optional: bool, says: dict[str, Any]) -> Control:
    low, high, step = _range(kind, info)
    if not optional and low is not None and high is not None and (high - low) / step <= _STEPS:
        value = default if default is not None else (info.examples or [low])[0]
        slider = gr.Slider(low, high, value=value, step=step, buttons=[], **says)
        return Control(slider, read=lambda v: _number_of(kind, v))
    # gr.Number turns an empty value into 0; a line of text can stay empty.
    value = "" if default is None else str(default)
    box = gr.Textbox(value=value, max_lines=1, placeholder=_example(info), **says)
    return Control(box, show=lambda v: "" if v is None else str(v), read=lambda v: _number_of(kind, v))


def _textbox(info: FieldInfo, default: Any, says: dict[str, Any]) -> gr.Textbox:
    long = (_limit(info, "max_length") or _LONG + 1) > _LONG
    lines = {"lines": 4, "max_lines": 14} if long else {"lines": 1, "max_lines": 1}
    return gr.Textbox(value=default or "", placeholder=_example(info), **lines, **says)


def _structure(name: str, kind: Any, info: FieldInfo, default: Any, words: Dictionary, says: dict[str, Any]) -> Control:
    """Lists and nested models: lines of text, a table, or JSON."""
    item = get_args(kind)[0] if get_origin(kind) is list else None
    if item is str:
        says["info"] = words.word("lines")
        box = gr.Textbox(value="\n".join(default or []), lines=3, max_lines=14, **says)
        return Control(box, show=lambda v: "\n".join(v or []), read=lambda v: [s for s in str(v or "").splitlines() if s.strip()])
    if _is_flat(item):
        return _table(item, default, says)
    says["info"] = words.word("json")
    box = gr.Textbox(value=_json(default), lines=4, max_lines=20, placeholder=_json((info.examples or [None])[0]), **says)
    return Control(box, show=_json, read=lambda v: _from_json(name, v, info))


def _table(model: type[BaseModel], default: Any, says: dict[str, Any]) -> Control:
    columns = list(model.model_fields)
    says.pop("info")  # a table has no line for it
    kinds = ["bool" if f.annotation is bool else "str" for f in model.model_fields.values()]

    def show(rows: Any) -> list[list[Any]]:
        plain = [row if isinstance(row, dict) else row.model_dump(mode="json") for row in rows or []]
        return [[row.get(column) for column in columns] for row in plain] or [[""] * len(columns)]

    def read(raw: Any) -> list[dict[str, Any]]:
        rows = raw.get("data", []) if isinstance(raw, dict) else []
        filled = [row for row in rows if any(cell not in (None, "") for cell in row)]
        return [
            {c: _cell(model.model_fields[c], cell) for c, cell in zip(columns, row, strict=False) if cell not in (None, "")}
            for row in filled
        ]

    titles = [model.model_fields[c].title or c for c in columns]
    table = gr.Dataframe(
        show(default), headers=titles, column_count=len(columns), datatype=kinds, type="array", wrap=True, **says,
    )  # fmt: skip
    return Control(table, show=show, read=read)


def _kind(info: FieldInfo) -> tuple[Any, bool]:
    """The annotation without `| None`, and whether None was there."""
    kind = info.annotation
    if get_origin(kind) not in (Union, types.UnionType):
        return kind, False
    inner = [arg for arg in get_args(kind) if arg is not type(None)]
    return (inner[0] if len(inner) == 1 else kind), len(inner) < len(get_args(kind))


def _choices(kind: Any) -> list[Any]:
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    return [member.value for member in kind] if isinstance(kind, type) and issubclass(kind, enum.Enum) else []


def _is_flat(item: Any) -> bool:
    if not (isinstance(item, type) and issubclass(item, BaseModel)):
        return False
    kinds = [_kind(info)[0] for info in item.model_fields.values()]
    return all(kind in (str, int, float, bool) or _choices(kind) for kind in kinds)


def _limit(info: FieldInfo, *names: str) -> Any:
    found = (getattr(mark, name, None) for mark in info.metadata for name in names)
    return next((limit for limit in found if limit is not None), None)


def _range(kind: type, info: FieldInfo) -> tuple[Any, Any, Any]:
    low, high = _limit(info, "ge", "gt"), _limit(info, "le", "lt")
    step = _limit(info, "multiple_of") or (1 if kind is int else 0.01)
    if _limit(info, "gt") is not None:
        low = low + step
    if _limit(info, "lt") is not None:
        high = high - step
    return low, high, step


def _english_info(kind: Any, info: FieldInfo, optional: bool) -> str:
    low, high, _ = _range(kind, info) if kind in (int, float) else (None, None, None)
    parts = []
    if longest := _limit(info, "max_length"):
        parts.append(f"Up to {longest:,} characters.")
    if low is not None and high is not None:
        parts.append(f"From {low:,} to {high:,}.")
    if choices := _choices(kind):
        parts.append(f"One of {len(choices)}.")
    return " ".join(parts + ([WORDS["optional"][1]] if optional else []))


def _example(info: FieldInfo) -> str:
    return str((info.examples or [""])[0])


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


def _same(value: Any) -> Any:
    return value


def _optional_text(value: Any) -> Any:
    return None if value == "" else value


def _number_of(kind: type, value: Any) -> Any:
    """The number that a person meant; what is no number stays as it is, for the Input to complain about."""
    if isinstance(value, str):
        text = value.strip().replace(",", "")
        if not text:
            return None
        try:
            value = int(text)
        except ValueError:
            try:
                value = float(text)
            except ValueError:
                return value
    return int(value) if kind is int and isinstance(value, float) and value.is_integer() else value


def _cell(info: FieldInfo, cell: Any) -> Any:
    kind, _ = _kind(info)
    return _number_of(kind, cell) if kind in (int, float) else cell


def _json(value: Any) -> str:
    if value is None:
        return ""
    plain = [_dump(v) for v in value] if isinstance(value, Iterable) and not isinstance(value, (str, dict)) else _dump(value)
    return json.dumps(plain, ensure_ascii=False, indent=1)


def _dump(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _from_json(name: str, text: Any, info: FieldInfo) -> Any:
    if not str(text or "").strip():
        return None
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        example = json.dumps((info.examples or [[]])[0], ensure_ascii=False)
        raise InvalidInput.of(name, WORDS["not_json"][0].format(example=example)) from None
