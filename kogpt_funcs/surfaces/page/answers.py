"""From an Output to what a person reads: text, numbered lists, cards, bars. Everything from a model is escaped."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple

import gradio as gr
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kogpt_funcs.surfaces.page.shape import limit
from kogpt_funcs.surfaces.page.translations import WORDS, both, english_name, word

#: One listener for all the copy buttons of an answer; `element` is the answer's own element.
COPY = """
element.addEventListener("click", async (event) => {
  const button = event.target.closest("button.kogpt-copy");
  if (!button || !navigator.clipboard) return;
  await navigator.clipboard.writeText(button.parentElement.querySelector(".kogpt-text").innerText);
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1200);
});
"""
_COPY_BUTTON = (
    f'<button type="button" class="kogpt-copy" title="{" / ".join(WORDS["copy"])}"'
    f' aria-label="{" / ".join(WORDS["copy"])}"></button>'
)


class Answer(NamedTuple):
    """One field of an Output on the page: its component, and `show` (the field's value → the component's)."""

    name: str
    component: gr.components.Component
    show: Callable[[Any], Any]
    empty: Any


def answer(function: str, name: str, info: FieldInfo) -> Answer:
    """Lays the answer out where it is called, inside an open gr.Blocks."""
    title = f'<h3 class="kogpt-title">{_title(name, info)}</h3>'
    waiting = f'{title}<p class="kogpt-quiet">{word("waiting")}</p>'
    html = gr.HTML(
        waiting, elem_id=f"{function}-answer-{name}", elem_classes="kogpt-answer", js_on_load=COPY, apply_default_css=False,
    )  # fmt: skip
    short = info.annotation is not str  # one of a few labels, or a number
    return Answer(name, html, lambda value: title + (_headline(value) if short and _is_plain(value) else render(value)), waiting)


def render(value: Any) -> str:
    """HTML for any value that an Output may hold."""
    if isinstance(value, BaseModel):
        return f'<div class="kogpt-card">{_card(value)}</div>'
    if isinstance(value, list):
        if not value:
            return f'<p class="kogpt-quiet">{word("none")}</p>'
        if (shares := [_share(item) for item in value]) and all(shares):
            return _bars([share for share in shares if share])
        return f'<ol class="kogpt-list">{"".join(f"<li>{_item(item)}</li>" for item in value)}</ol>'
    return f'<div class="kogpt-card">{_copied(value)}</div>'


def _is_plain(value: Any) -> bool:
    return not isinstance(value, (BaseModel, list))


def _headline(value: Any) -> str:
    return f'<p class="kogpt-headline">{_text(value)}</p>'


def _item(value: Any) -> str:
    return _card(value) if isinstance(value, BaseModel) else _copied(value)


def _copied(value: Any) -> str:
    return f'<div class="kogpt-text">{_text(value)}</div>{_COPY_BUTTON}'


def _card(model: BaseModel) -> str:
    """The first text is the body; the other fields stand below it in small print."""
    fields = type(model).model_fields
    body = next((name for name in fields if isinstance(getattr(model, name), str)), None)
    rest = [name for name in fields if name != body and getattr(model, name) not in (None, "", [])]
    text = _copied(getattr(model, body)) if body else ""
    notes = "".join(f"<span>{_title(n, fields[n])} {_note(getattr(model, n))}</span>" for n in rest)
    return text + (f'<div class="kogpt-notes">{notes}</div>' if notes else "")


def _note(value: Any) -> str:
    return render(value) if isinstance(value, (BaseModel, list)) else f"<b>{_text(value)}</b>"


def _share(item: Any) -> tuple[str, float] | None:
    """(label, probability) if `item` is a model of just a text and a number from 0 to 1."""
    if not isinstance(item, BaseModel) or len(type(item).model_fields) != 2:
        return None
    values = [getattr(item, name) for name in type(item).model_fields]
    texts = [v for v in values if isinstance(v, str)]
    numbers = [n for n, f in type(item).model_fields.items() if f.annotation is float and _from_0_to_1(f)]
    return (texts[0], getattr(item, numbers[0])) if texts and numbers else None


def _from_0_to_1(info: FieldInfo) -> bool:
    return (limit(info, "ge"), limit(info, "le")) == (0, 1)


def _bars(shares: list[tuple[str, float]]) -> str:
    rows = "".join(
        f'<li><span class="kogpt-label">{_text(label)}</span>'
        f'<span class="kogpt-bar" style="--share:{share:.4f}"></span><b>{share:.1%}</b></li>'
        for label, share in shares
    )
    return f'<ul class="kogpt-bars">{rows}</ul>'


def _title(name: str, info: FieldInfo) -> str:
    return both(info.title or name, english_name(name))


def _text(value: Any) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return escape(text.encode("utf-8", "replace").decode())  # a lone surrogate cannot travel
