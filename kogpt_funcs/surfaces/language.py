"""Which of two languages a browser asks for. It knows no page."""

from __future__ import annotations

KOREAN, ENGLISH = "ko", "en"


def language(accepted: str) -> str:
    """ko or en, by an Accept-Language header: Korean where it ranks highest or nothing is asked for, else English."""
    first = next(iter(ranked(accepted)), KOREAN)
    return KOREAN if first.startswith(KOREAN) else ENGLISH


def ranked(accepted: str) -> list[str]:
    """The language tags of an Accept-Language header in lower case, the most wanted first; at most twenty are read."""
    found = sorted((-_quality(item), place, item) for place, item in enumerate(accepted.split(",")[:20]))
    return [tag for _, _, item in found if (tag := item.split(";")[0].strip().lower())]


def _quality(item: str) -> float:
    try:
        return float(item.partition(";q=")[2] or 1)
    except ValueError:
        return 0.0
