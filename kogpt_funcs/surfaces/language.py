"""Which of the page's two languages a browser asks for. It knows no page."""

from __future__ import annotations

KOREAN, ENGLISH = "ko", "en"


def language(accepted: str) -> str:
    """ko or en, by an Accept-Language header: Korean where it ranks highest or nothing is asked for, else English."""
    ranked = sorted((-_quality(item), place, item) for place, item in enumerate(accepted.split(",")[:20]))
    first = next((name for _, _, item in ranked if (name := item.split(";")[0].strip().lower())), KOREAN)
    return KOREAN if first.startswith(KOREAN) else ENGLISH


def _quality(item: str) -> float:
    try:
        return float(item.partition(";q=")[2] or 1)
    except ValueError:
        return 0.0
