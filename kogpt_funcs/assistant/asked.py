"""What a provider is asked and what it answers; how a trigger is told from a sentence that only has its word in it."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

Source = Literal["time", "date", "weather", "stock", "lotto", "help"]


class Answer(NamedTuple):
    source: Source
    text: str


@dataclass(frozen=True)
class Asked:
    """A message to the companion called `name` (empty: it has none); `rng` draws where something is drawn."""

    message: str
    name: str
    rng: random.Random


_SIGNS = re.compile(r"[^0-9A-Za-z가-힣&]+")
#: What stands around a question without changing it, the longest first.
_POLITE = re.compile(
    r"(?:좀|혹시|저기|있잖아|그런데|근데|얘|그럼|빨리|제발|나한테|저한테|내게|너|지금|현재|요새)?"
    r"(?:알려|말해|가르쳐|보여|봐|찾아|확인해|검색해|체크해)(?:줄수있(?:어|니|나|어요|나요|을까|을까요)|줄래|줄래요|주세요|주실래요|주실수있나요|줘|줘요|줘라|줘봐|봐|봐요|볼래|다오|달라|줄게|주라|죠|조)"
)
_QUESTION = (
    r"궁금(?:해요|해|합니다|한데|하다)|어떻게(?:돼요|돼|되나요|되니|되지|됩니까|될까)|어떤가요|어떤지|어떨까요|어떨까|어때요|어때|어떠니|어떠냐|어떻지|"
    r"얼마나(?:해|돼|하지)|얼마(?:예요|에요|인가요|인지|입니까|니|야|일까|지|죠|임|냐)?|(?:뭐|무엇)(?:예요|에요|인가요|입니까|니|야|지|죠|임|냐)|"
    r"알고싶(?:어요|어|다)|알수있(?:을까요|을까|나요|어요|어|니)|알아요?|아니|아세요|아시나요|부탁(?:해요|해|드려요|드립니다)?"
)
_ENDING = r"인지|인가요?|입니까|이에요|예요|이야|이니|이지|이죠|임|야|요|니|냐"  # it may end a question, and much else
_FILLERS = re.compile(
    r"(?:지금|현재|혹시|저기요|저기|있잖아|그런데|근데|요즘|이제|우리|좀|은|는|이|가|을|를|의|도|에|거기|시간대|얘|야|아|음|어|한번|정도|쯤)"
)


def squeezed(text: str) -> str:
    """`text` without blanks and signs: people space as they like."""
    return _SIGNS.sub("", text)


def is_request(text: str) -> bool:
    """Does the squeezed `text` ask for something?"""
    return bool(_POLITE.search(text) or re.search(f"(?:{_QUESTION})$", text))


def remainder(text: str, *patterns: str) -> str:
    """What the squeezed `text` says besides `patterns`, a request and small words: empty if it is about nothing
    else.
    """
    for pattern in (*patterns, _POLITE.pattern, f"(?:{_QUESTION}|{_ENDING})$"):
        text = re.sub(pattern, " ", text)
    words = [re.sub(f"^{_FILLERS.pattern}*$", "", word) for word in text.split()]
    return " ".join(word for word in words if word)
