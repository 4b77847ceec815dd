"""Korean text before and after a model: cleaning, sentence ends. It knows no model and no function."""

from __future__ import annotations

import re
import string
import unicodedata

from kogpt_funcs.contract.errors import InvalidInput
from kogpt_funcs.contract.messages import EMPTY

_ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u2060\ufeff\u00ad"))
_SENTENCE_END = re.compile(r"(?:[.!?…。]+|[ㅋㅎㅠㅜ]{2,}|[~^]+)[\"'”’)\]」』]*(?=\s|$)")


def clean(text: str) -> str:
    """NFC text without control or zero-width characters; newlines are kept, outer blanks are not."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = text.translate(_ZERO_WIDTH).replace("\t", " ")
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs")).strip()


def required(text: str, field: str = "text") -> str:
    """`clean(text)`, or InvalidInput naming `field` when nothing readable is left."""
    cleaned = clean(text)
    if not cleaned:
        raise InvalidInput.of(field, *EMPTY)
    return cleaned


def last_sentence_end(text: str) -> int:
    """Index just after the last complete sentence in `text`; 0 if no sentence ends in it."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return ends[-1] if ends else 0


def sentences(text: str) -> list[str]:
    """The sentences of `text`, each with its end mark; never empty for a text that is not."""
    starts = [0, *(match.end() for match in _SENTENCE_END.finditer(text))]
    found = [text[a:b].strip() for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    return [sentence for sentence in found if sentence] or [text]


def missing_marks(text: str) -> tuple[str, ...]:
    """Line breaks and digits, where `text` has none: a small base that begins with them writes little else."""
    digits = () if any(digit in text for digit in string.digits) else tuple(string.digits)
    return digits if "\n" in text else ("\n", *digits)
