"""Which written replies a companion may say: whole, its own, harmless, new in this talk, and with no body and no
past.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kogpt_funcs.korean.abuse import is_abusive
from kogpt_funcs.korean.crisis import speaks_of_suicide
from kogpt_funcs.korean.text import last_sentence_end

_SELF = r"(?:저도|나도|저는|나는|난|전|제가|내가)"
_LIVED = (
    rf"{_SELF}\s[^.!?]{{0,20}}(?:먹었|먹어\s?봤|먹고\s?싶|마셨|봤는데|보고\s?왔|갔다|다녀왔|다녀요|살아요|살았|자랐|겪었|겪어\s?봤|아팠|아파요|잤|잠을|만났|배고|졸려|울었|키워요|키웠|샀|입었|운동했|출근|퇴근|학교|회사에)|"
    r"(?:우리|제|내|저희)\s(?:엄마|아빠|어머니|아버지|남편|아내|남자친구|여자친구|아들|딸|아이|애|집|가족|강아지|고양이|친구)(?:가|는|도|랑|이|은|와|과|를|을|한테)|(?:저|나)\s?(?:때는|어릴\s?때|어렸을)"
)
_A_LIFE = re.compile(_LIVED)
_FOREIGN = re.compile(r"[一-鿿぀-ヿЀ-ӿ؀-ۿ]|https?:|www\.|@|<|>|\d{3,4}-\d{3,4}")
_SHORTEST = 4


def whole(text: str) -> str:
    """`text` up to its last sentence end, or all of it where it has none; blanks folded."""
    text = " ".join(text.split())
    return text[: last_sentence_end(text)].strip() or text


def fitting(replies: Iterable[str], said: Iterable[str], message: str) -> list[str]:
    """Those of `replies` that may be said after the turns `said` in answer to `message`, each once."""
    before = {_letters(text) for text in (*said, message)}
    return [text for text in dict.fromkeys(replies) if _letters(text) not in before and _may_be_said(text)]


def _may_be_said(text: str) -> bool:
    return len(text) >= _SHORTEST and not (
        _A_LIFE.search(text) or _FOREIGN.search(text) or is_abusive(text) or speaks_of_suicide(text)
    )


def _letters(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z가-힣]", "", text)
