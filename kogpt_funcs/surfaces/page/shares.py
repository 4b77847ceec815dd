"""Labels with their probabilities, as people read them: bars for the few that were declared, chips for the many.

What the field says decides: labels that are declared as choices share one whole and are all told; others may each hold
or not, so those that hold stand out and the rest is folded away. It knows no function.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from kogpt_funcs.contract.shape import Shape, item, shapes
from kogpt_funcs.surfaces.page.components import Label
from kogpt_funcs.surfaces.page.translations import WORDS, both, word

#: From here on a label is rather right than wrong; below it none is told as if it were known.
SURE = 0.5


class Share(NamedTuple):
    """A label, its probability, and whether the label is one of those that its field declares."""

    label: str
    probability: float
    declared: bool


def read(values: Sequence[Any]) -> list[Share]:
    """The shares in `values`; empty unless each is a model of just a label and a number from 0 to 1."""
    found = [_share(value) for value in values]
    return [share for share in found if share] if all(found) else []


def of_label(output: BaseModel, shape: Shape, label: Any) -> float | None:
    """The probability of `label` in a list of shares over the same choices, None where the Output has none."""
    for name, other in shapes(type(output)).items():
        inner = item(other.kind)
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            continue
        if any(s.choices == shape.choices for s in shapes(inner).values()):
            return next((share.probability for share in read(getattr(output, name)) if share.label == label), None)
    return None


def bars(found: list[Share], label: Label) -> str:
    rows = "".join(
        f'<li><span class="kogpt-label">{both(label(share.label))}</span>'
        f'<span class="kogpt-bar" style="--share:{share.probability:.4f}"></span><b>{share.probability:.1%}</b></li>'
        for share in found
    )
    return f'<ul class="kogpt-bars">{rows}</ul>'


def chips(found: list[Share], label: Label) -> str:
    sure = [share for share in found if share.probability >= SURE]
    rest = [share for share in found if share.probability < SURE]
    shown = _chips(sure, label) if sure else f'<p class="kogpt-quiet">{word("unsure")}</p>'
    if not rest:
        return shown
    korean, english = (said.format(n=len(rest)) for said in WORDS["less_sure"])
    folded = f'<details class="kogpt-rest"><summary>{both((korean, english))}</summary>{_chips(rest, label)}</details>'
    return shown + folded


def _chips(found: list[Share], label: Label) -> str:
    items = "".join(f"<li>{both(label(share.label))} <b>{share.probability:.0%}</b></li>" for share in found)
    return f'<ul class="kogpt-chips">{items}</ul>'


def _share(value: Any) -> Share | None:
    if not isinstance(value, BaseModel) or len(shapes(type(value))) != 2:
        return None
    fields = shapes(type(value))
    labels = [name for name in fields if isinstance(getattr(value, name), str)]
    numbers = [name for name, s in fields.items() if s.kind is float and (s.bounds.ge, s.bounds.le) == (0, 1)]
    if not labels or not numbers:
        return None
    return Share(getattr(value, labels[0]), getattr(value, numbers[0]), bool(fields[labels[0]].choices))
