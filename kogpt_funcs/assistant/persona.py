"""How the companion is called and speaks, read from a line or two of the user's."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Speech = Literal["존댓말", "반말"]

_NAME = re.compile(
    r"(?:이름(?:은|이|:)?|너는|넌|네 이름은)\s*[‘'\"“]?([가-힣]{1,10}?|[A-Za-z]{1,20})[’'\"”]?(?=이고|이며|"
    r"이야|이에요|예요|야|입니다|이다|라고|이라고|다|,|\.|\n|\s|$)"
)
_CASUAL = re.compile(r"반말|편하게 말|말을? 놓|친구처럼 말")
_FORBIDDEN = re.compile(r"반말\s*(?:은|을|를)?\s*(?:하지|쓰지|금지|말고|싫|안|빼)")
_NO_NAMES = {"존댓말", "반말", "친구", "편하게", "항상", "언제나", "아주", "늘"}


class Persona(NamedTuple):
    """`name` is empty where none is given; 존댓말 is spoken unless 반말 is wished."""

    name: str = ""
    speech: Speech = "존댓말"

    @classmethod
    def read(cls, text: str) -> Persona:
        """`이름은 토리, 반말로 말해 줘` → 토리, 반말."""
        casual = bool(_CASUAL.search(text)) and not _FORBIDDEN.search(text)
        found = _NAME.search(text)
        name = found[1] if found and found[1] not in _NO_NAMES else ""
        return cls(name, "반말" if casual else "존댓말")
