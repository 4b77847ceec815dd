"""From an Output to what a person reads: text, numbered lists, cards, bars. Everything from a model is escaped.

Titles and labels are in both languages, and page.css shows one; what a model wrote is as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from typing import Any, NamedTuple

import gradio as gr
from pydantic import BaseModel

from kogpt_funcs.contract.english import Text, english_name
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.shape import Shape, shapes
from kogpt_funcs.surfaces.page.components import Label
from kogpt_funcs.surfaces.page.translations import WORDS, both, word

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


def answer(function: Function, shape: Shape) -> Answer:
    """Lays the answer out where it is called, inside an open gr.Blocks."""
    reader = Reader(function.english.output, function.label, shape.name)
    title = f'<h3 class="kogpt-title">{reader.title(shape)}</h3>'
    waiting = f'{title}<p class="kogpt-quiet">{word("waiting")}</p>'
    html = gr.HTML(
        waiting,
        elem_id=f"{function.name}-answer-{shape.name}",
        elem_classes="kogpt-answer",
        js_on_load=COPY,
        apply_default_css=False,
    )
    return Answer(shape.name, html, lambda value: title + reader.field(shape, value), waiting)


@dataclass(frozen=True)
class Reader:
    """Makes HTML of the values at one place of an Output; it knows what titles and labels are called."""

    english: dict[str, Text]  # by path
    label: Label
    path: str  # of the field that is read

    def title(self, shape: Shape) -> str:
        known = self.english.get(self.path)
        return both((shape.title or shape.name, known.title if known else english_name(shape.name)))

    def field(self, shape: Shape, value: Any) -> str:
        """A field of the Output itself: one of a few labels, or a number, is a headline."""
        if value is None:
            return f'<p class="kogpt-quiet">{word("none")}</p>'
        if shape.choices:
            return f'<p class="kogpt-headline">{both(self.label(value))}</p>'
        if shape.kind is not str and not isinstance(value, (BaseModel, list)):
            return f'<p class="kogpt-headline">{_text(value)}</p>'
        return self.render(value)

    def render(self, value: Any) -> str:
        """Any value that an Output may hold."""
        if isinstance(value, BaseModel):
            return f'<div class="kogpt-card">{self._card(value)}</div>'
        if not isinstance(value, list):
            return f'<div class="kogpt-card">{_copied(value)}</div>'
        if not value:
            return f'<p class="kogpt-quiet">{word("none")}</p>'
        if (shares := [_share(item) for item in value]) and all(shares):
            return self._bars([share for share in shares if share])
        return f'<ol class="kogpt-list">{"".join(f"<li>{self._item(item)}</li>" for item in value)}</ol>'

    def _item(self, value: Any) -> str:
        return self._card(value) if isinstance(value, BaseModel) else _copied(value)

    def _card(self, model: BaseModel) -> str:
        """The first text that is no label is the body; the other fields stand below it in small print."""
        fields = shapes(type(model))
        body = next(
            (name for name, s in fields.items() if isinstance(getattr(model, name), str) and not s.choices), None
        )
        rest = [name for name in fields if name != body and getattr(model, name) not in (None, "", [])]
        text = _copied(getattr(model, body)) if body else ""
        notes = "".join(f"<span>{self._note(fields[name], getattr(model, name))}</span>" for name in rest)
        return text + (f'<div class="kogpt-notes">{notes}</div>' if notes else "")

    def _note(self, shape: Shape, value: Any) -> str:
        inside = replace(self, path=f"{self.path}.{shape.name}")
        if isinstance(value, (BaseModel, list)):
            return f"{inside.title(shape)} {inside.render(value)}"
        return f"{inside.title(shape)} <b>{both(self.label(value)) if shape.choices else _text(value)}</b>"

    def _bars(self, shares: list[tuple[str, float]]) -> str:
        rows = "".join(
            f'<li><span class="kogpt-label">{both(self.label(label))}</span>'
            f'<span class="kogpt-bar" style="--share:{share:.4f}"></span><b>{share:.1%}</b></li>'
            for label, share in shares
        )
        return f'<ul class="kogpt-bars">{rows}</ul>'


def _copied(value: Any) -> str:
    return f'<div class="kogpt-text">{_text(value)}</div>{_COPY_BUTTON}'


def _share(item: Any) -> tuple[str, float] | None:
    """(label, probability) if `item` is a model of just a text and a number from 0 to 1."""
    if not isinstance(item, BaseModel) or len(shapes(type(item))) != 2:
        return None
    fields = shapes(type(item))
    texts = [value for name in fields if isinstance(value := getattr(item, name), str)]
    numbers = [name for name, s in fields.items() if s.kind is float and (s.bounds.ge, s.bounds.le) == (0, 1)]
    return (texts[0], getattr(item, numbers[0])) if texts and numbers else None


def _text(value: Any) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return escape(text.encode("utf-8", "replace").decode())  # a lone surrogate cannot travel
