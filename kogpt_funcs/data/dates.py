"""Dates as people write them in tables."""

from __future__ import annotations

import datetime
import re
from typing import Any

_WRITTEN = re.compile(
    r"(\d{4})\s*(?:[-./]|년)\s*(\d{1,2})\s*(?:[-./]|월)\s*(\d{1,2})\s*(?:[.일]|(?=[T\s(])|$)|(\d{4})(\d{2})(\d{2})$"
)


def as_date(value: Any) -> datetime.date | None:
    """2026-11-30, 2026. 11. 30., 2026/11/30, 2026년 11월 30일, 20261130, a time behind it or not; else None."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    found = _WRITTEN.match(str(value or "").strip()[:40])
    if not found:
        return None
    try:
        return datetime.date(*(int(part) for part in found.groups() if part))
    except ValueError:
        return None
