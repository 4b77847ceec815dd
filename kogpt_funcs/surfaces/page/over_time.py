"""How the labels of many answers went over time: a column for each day, week, month or year, and a month's statistics.

For every function whose Output has probabilities of fixed labels, or else one label.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any, NamedTuple

from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.shape import Shape, nested, shapes
from kogpt_funcs.surfaces.page.columns import scrolled
from kogpt_funcs.surfaces.page.translations import both, word

_MOST_COLUMNS = 60
_WIDTH, _HEIGHT, _BELOW = 720, 220, 26  # of the drawing, and of the dates below the columns
_DATES_SHOWN = 8
_COLOURS = ("#6b8f71", "#e0a526", "#7d6bb3", "#4f86b8", "#c8553d", "#5d6470", "#b3739a", "#8c7a4f")

Shares = dict[str, float]  # label → its share of one answer


class Dated(NamedTuple):
    """One answer: its day, and the share of each label."""

    day: datetime.date
    shares: Shares


def labels(function: Function) -> tuple[str, ...]:
    """The labels whose course can be drawn, empty where the function's answers have none."""
    found = _labelled(function)
    return tuple(map(str, found[1])) if found else ()


def shares(function: Function, output: dict[str, Any]) -> Shares:
    """The share of each label in an answer (as JSON data)."""
    found = _labelled(function)
    if found is None:
        return {}
    name, _, label, number = found
    value = output.get(name)
    if number:
        return {str(item[label]): float(item[number]) for item in value or []}
    return {str(value): 1.0} if value is not None else {}


def drawn(function: Function, answers: Sequence[Dated]) -> str:
    """The drawing, its legend and the table of months, as HTML."""
    known = labels(function)
    legend = "".join(
        f'<li><span class="kogpt-colour" style="background: {_colour(place)}"></span>{both(function.label(label))}</li>'
        for place, label in enumerate(known)
    )
    return (
        f'<h3 class="kogpt-title">{word("over_time")}</h3>{_columns(known, answers)}'
        f'<ul class="kogpt-legend">{legend}</ul>'
        f'<h3 class="kogpt-title">{word("by_month")}</h3>{_months(function, known, answers)}'
    )


def _labelled(function: Function) -> tuple[str, tuple[Any, ...], str, str] | None:
    """(field, labels, name of the label, name of the probability); the last two are empty for a lone label."""
    for shape in function.answers.values():
        if (model := nested(shape)) and len(inside := shapes(model)) == 2:
            label = next((s for s in inside.values() if s.choices), None)
            number = next((s for s in inside.values() if _is_share(s)), None)
            if label and number:
                return shape.name, label.choices, label.name, number.name
    lone = next((shape for shape in function.answers.values() if len(shape.choices) > 1), None)
    return (lone.name, lone.choices, "", "") if lone else None


def _is_share(shape: Shape) -> bool:
    return shape.kind is float and (shape.bounds.ge, shape.bounds.le) == (0, 1)


def _mean(answers: Iterable[Dated]) -> Shares:
    totals: Counter[str] = Counter()
    count = 0
    for answer in answers:
        totals.update(answer.shares)
        count += 1
    return {label: total / count for label, total in totals.items()}


_PERIODS: tuple[Callable[[datetime.date], str], ...] = (
    lambda day: day.isoformat(),
    lambda day: (day - datetime.timedelta(days=day.weekday())).isoformat(),
    lambda day: f"{day:%Y-%m}",
    lambda day: f"{day:%Y}",
)


def _grouped(answers: Sequence[Dated]) -> dict[str, list[Dated]]:
    """The answers by day; by week, month or year if there would be too many columns."""
    groups: dict[str, list[Dated]] = {}
    for period in _PERIODS:
        groups = {}
        for answer in sorted(answers, key=lambda answer: answer.day):
            groups.setdefault(period(answer.day), []).append(answer)
        if len(groups) <= _MOST_COLUMNS:
            break
    return groups


def _columns(known: Sequence[str], answers: Sequence[Dated]) -> str:
    groups = _grouped(answers)
    width = _WIDTH / max(1, len(groups))
    every = -(-len(groups) // _DATES_SHOWN)
    parts = []
    for place, (period, group) in enumerate(groups.items()):
        parts.append(_column(known, period, _mean(group), place * width, width))
        if place % every == 0:
            x = place * width + width / 2
            parts.append(f'<text x="{x:.1f}" y="{_HEIGHT + 18}" text-anchor="middle">{escape(period)}</text>')
    size = f'viewBox="-40 0 {_WIDTH + 80} {_HEIGHT + _BELOW}"'
    return f'<svg class="kogpt-course" {size} aria-hidden="true">{"".join(parts)}</svg>'  # the table says the same


def _column(known: Sequence[str], period: str, mean: Shares, x: float, width: float) -> str:
    y, parts = float(_HEIGHT), []
    total = sum(mean.values()) or 1
    for place, label in enumerate(known):
        height = mean.get(label, 0.0) / total * _HEIGHT
        y -= height
        parts.append(
            f'<rect x="{x + width * 0.08:.2f}" y="{y:.2f}" width="{width * 0.84:.2f}" height="{height:.2f}" '
            f'fill="{_colour(place)}"><title>{escape(period)} {escape(label)} {mean.get(label, 0.0):.0%}</title></rect>'
        )
    return "".join(parts)


def _months(function: Function, known: Sequence[str], answers: Sequence[Dated]) -> str:
    groups: dict[str, list[Dated]] = {}
    for answer in sorted(answers, key=lambda answer: answer.day):
        groups.setdefault(f"{answer.day:%Y-%m}", []).append(answer)
    heads = [word("month"), word("entries"), word("most"), *(both(function.label(label)) for label in known)]
    rows = "".join(_month(function, known, month, group) for month, group in groups.items())
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    return scrolled("by_month", f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")


def _month(function: Function, known: Sequence[str], month: str, group: Sequence[Dated]) -> str:
    tops = Counter(max(answer.shares, key=lambda label: answer.shares[label]) for answer in group if answer.shares)
    top = f"{both(function.label(tops.most_common(1)[0][0]))} ({tops.most_common(1)[0][1]})" if tops else ""
    mean = _mean(group)
    cells = "".join(f"<td>{mean.get(label, 0.0):.0%}</td>" for label in known)
    return f'<tr><th scope="row">{escape(month)}</th><td>{len(group)}</td><td>{top}</td>{cells}</tr>'


def _colour(place: int) -> str:
    return _COLOURS[place % len(_COLOURS)]
