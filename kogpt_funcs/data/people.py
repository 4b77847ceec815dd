"""Made-up Korean names in place of `#@이름#`, the mark that corpora put where a name was."""

from __future__ import annotations

import random
import re

MARK = re.compile(r"#@이름\d*#")

_FAMILY = tuple("김이박최정강조윤장임한오서신권황안송전홍")
_GIVEN = (
    "민준",
    "서준",
    "도윤",
    "예준",
    "시우",
    "하준",
    "지호",
    "주원",
    "지후",
    "준우",
    "현우",
    "지훈",
    "건우",
    "우진",
    "민재",
    "현준",
    "선우",
    "서진",
    "연우",
    "유준",
    "정우",
    "승우",
    "시윤",
    "준혁",
    "은우",
    "지환",
    "승현",
    "유찬",
    "동현",
    "재윤",
    "서연",
    "서윤",
    "지우",
    "서현",
    "하은",
    "하윤",
    "민서",
    "지유",
    "윤서",
    "채원",
    "수아",
    "지아",
    "지민",
    "은서",
    "다은",
    "예은",
    "수빈",
    "소율",
    "예린",
    "지원",
    "소윤",
    "지안",
    "하린",
    "시은",
    "유진",
    "채은",
    "유나",
    "가은",
    "서영",
    "민지",
)

#: What follows a name that ends in a consonant (민준이), and one that does not (지우가).
_PARTICLES = {True: re.compile(r"이|은|을|과|으로|아(?![가-힣])"), False: re.compile(r"가|는|를|와|야|랑|로")}


def with_names(text: str, rng: random.Random) -> str:
    """`text` with one name, drawn with `rng`, for every mark; half of the time the family name comes first.

    The name fits the particle after the first mark that has one.
    """
    if not MARK.search(text):
        return text
    family = rng.choice(_FAMILY) if rng.random() < 0.5 else ""
    name = family + rng.choice([given for given in _GIVEN if _fits(given, text)])
    return MARK.sub(name, text)


def _fits(given: str, text: str) -> bool:
    for mark in MARK.finditer(text):
        for closed, particle in _PARTICLES.items():
            if particle.match(text, mark.end()):
                return _ends_in_consonant(given) == closed
    return True


def _ends_in_consonant(word: str) -> bool:
    return (ord(word[-1]) - ord("가")) % 28 > 0  # a syllable's number is 28 × (initial and vowel) + final
