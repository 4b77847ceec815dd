"""The genres of stories: what relay_novel was trained to tell apart, and what the story site offers."""

from __future__ import annotations

from typing import Literal

Genre = Literal[
    "일상",
    "로맨스",
    "추리",
    "판타지",
    "SF",
    "공포",
    "역사",
    "동화",
    "무협",
    "코미디",
    "학원물",
    "가족",
    "스릴러",
]
