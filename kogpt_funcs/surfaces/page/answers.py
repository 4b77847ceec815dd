"""From an Output to what a person reads: text, numbered lists, cards, labels. Everything from a model is escaped.

Titles and labels are in both languages, and the page shows one; what a model wrote is as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import gradio as gr
from pydantic import BaseModel

from kogpt_funcs.contract.english import Text, english_name
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.shape import Shape, shapes
from kogpt_funcs.surfaces.page import shares
from kogpt_funcs.surfaces.page.components import Label
from kogpt_funcs.surfaces.page.translations import both, text, word

_COPY_BUTTON = f'<button type="button" class="kogpt-copy"><span class="kogpt-unseen">{word("copy")}</span></button>'


class Answer(NamedTuple):
    """One field of an Output on the page: its component, and `show`: (the Output, whether it is whole) → HTML."""

    name: str
    component: gr.components.Component
    show: Callable[[BaseModel, bool], str]
    empty: str


def answer(function: Function, shape: Shape) -> Answer:
    """Lays the answer out where it is called, inside an open gr.Blocks.

    The first field of an Output is its headline; the others stand smaller, and not at all while they hold nothing.
    """
    reader = Reader(function.english.output, function.label, shape.name)
    first = shape.name == next(iter(function.answers))
    title = f'<h2 class="kogpt-title">{reader.title(shape)}</h2>'
    waiting = f'{title}<p class="kogpt-quiet">{word("waiting")}</p>' if first else ""

    def show(output: BaseModel, whole: bool) -> str:
        value = getattr(output, shape.name)
        if value in (None, "", []):
            return (f'{title}<p class="kogpt-quiet">{word("none")}</p>' if whole else waiting) if first else ""
        return title + (reader.headline(shape, value, output) if first else reader.field(shape, value))

    html = gr.HTML(
        waiting,
        elem_id=f"{function.name}-answer-{shape.name}",
        elem_classes="kogpt-answer",
        apply_default_css=False,
        padding=False,
    )
    return Answer(shape.name, html, show, waiting)


@dataclass(frozen=True)
class Reader:
    """Makes HTML of the values at one place of an Output; it knows what titles and labels are called."""

    english: dict[str, Text]  # by path
    label: Label
    path: str  # of the field that is read

    def title(self, shape: Shape) -> str:
        known = self.english.get(self.path)
        return both((shape.title or shape.name, known.title if known else english_name(shape.name)))

    def headline(self, shape: Shape, value: Any, output: BaseModel) -> str:
        """The first field of the Output: one of a few labels is a word that one reads first, if the model is sure."""
        if shape.choices and (share := shares.of_label(output, shape, value)) is not None and share < shares.SURE:
            likeliest = f"{both(self.label(value))} {share:.0%}"
            return (
                f'<p class="kogpt-headline kogpt-unsure">{word("unsure")}</p>'
                f'<p class="kogpt-notes"><span>{word("likeliest")} <b>{likeliest}</b></span></p>'
            )
        said = self._plain(shape, value)
        return f'<p class="kogpt-headline">{said}</p>' if said else self.render(value)

    def field(self, shape: Shape, value: Any) -> str:
        """Another field of the Output."""
        said = self._plain(shape, value)
        return f'<p class="kogpt-fact">{said}</p>' if said else self.render(value)

    def render(self, value: Any) -> str:
        """Any value that an Output may hold."""
        if isinstance(value, BaseModel):
            return f'<div class="kogpt-card">{self._card(value)}</div>'
        if not isinstance(value, list):
            return f'<div class="kogpt-card">{_copied(value)}</div>'
        if not value:
            return f'<p class="kogpt-quiet">{word("none")}</p>'
        if found := shares.read(value):
            return shares.bars(found, self.label) if found[0].declared else shares.chips(found, self.label)
        return f'<ol class="kogpt-list">{"".join(f"<li>{self._item(item)}</li>" for item in value)}</ol>'

    def _plain(self, shape: Shape, value: Any) -> str:
        """A label, a number or a truth as HTML; empty for all else."""
        if shape.choices:
            return both(self.label(value))
        return "" if shape.kind is str or isinstance(value, (BaseModel, list)) else text(value)

    def _item(self, value: Any) -> str:
        return self._card(value) if isinstance(value, BaseModel) else _copied(value)

    def _card(self, model: BaseModel) -> str:
        """The first text that is no label is the body; the other fields stand below it in small print."""
        fields = shapes(type(model))
        body = next(
            (name for name, s in fields.items() if isinstance(getattr(model, name), str) and not s.choices), None
        )
        rest = [name for name in fields if name != body and getattr(model, name) not in (None, "", [])]
        notes = "".join(f"<span>{self._note(fields[name], getattr(model, name))}</span>" for name in rest)
        return (_copied(getattr(model, body)) if body else "") + (
            f'<div class="kogpt-notes">{notes}</div>' if notes else ""
        )

    def _note(self, shape: Shape, value: Any) -> str:
        inside = replace(self, path=f"{self.path}.{shape.name}")
        if isinstance(value, (BaseModel, list)):
            return f"{inside.title(shape)} {inside.render(value)}"
        return f"{inside.title(shape)} <b>{both(self.label(value)) if shape.choices else text(value)}</b>"


def _copied(value: Any) -> str:
    """A text with its copy button. Blanks around it, as before the next word of a text, would look like a mistake."""
    return f'<div class="kogpt-text">{text(str(value).strip())}</div>{_COPY_BUTTON}'
