"""Rows of text made fit for training: `clear_sentence`'s rules, names and personal data replaced, abuse and repeats
left out.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

from kogpt_funcs.data.people import with_names
from kogpt_funcs.data.privacy import without_personal_data
from kogpt_funcs.korean.abuse import is_abusive
from kogpt_funcs.korean.text import clean

#: Marks that say: here was a picture, a film or an address. What is said around them means little without.
_ELSEWHERE = re.compile(
    r"#@시스템#[^#\s]*#|#@(?:url|링크|사진|동영상)\d*#|<(?:사진|동영상|파일)[^>]*>|^\s*(?:사진|동영상)(?: \d+장)?\s*$",
    re.IGNORECASE,
)
_MARK = re.compile(r"#@[^#\s]+#")  # #@이모티콘# and its like
_BRACKETS = re.compile(r"\([^()]*\)|（[^（）]*）")
#: Conjoining ㅋ, ㅎ, ㅠ, ㅜ, as NFKC makes them, and full-width marks.
_AS_TYPED = str.maketrans("\u110f\u1112\u1172\u116e？！．，。", "ㅋㅎㅠㅜ?!.,.")
_LAUGHTER = re.compile(r"키{2,}(?![가-힣])")
_STRANGE = re.compile(r"[^0-9a-zA-Z가-힣ㅋㅎㅜㅠ?!<>._, ]|(?<!\d),|,(?!\d)")
_RUNS = (
    (re.compile(r"ㅋ+"), "ㅋㅋ"),
    (re.compile(r"ㅎ+"), "ㅎㅎ"),
    (re.compile(r"[ㅠㅜ]+"), "ㅠㅠ"),
    (re.compile(r"\.{2,}|(?<!\d)\.|\.(?!\d)"), ".."),
    (re.compile(r"!+"), "!"),
    (re.compile(r"\?+"), "?"),
    (re.compile(r" +(?=[?!.])"), ""),
)


def clear_sentence(text: str) -> str:
    """`text` in one line by ChatHuman's rules: lower case, no brackets, Hangul, Latin, digits and `?!<>._` only,
    short runs.

    Unlike there, words that a line break, a comma or a strange character parted stay apart, numbers keep their comma
    and point, and 키키 is laughter only where no syllable follows.
    """
    text = clean(text).translate(_AS_TYPED).lower()
    while (shorter := _BRACKETS.sub(" ", text)) != text:
        text = shorter
    text = _STRANGE.sub(" ", _LAUGHTER.sub("ㅋㅋ", text))
    for run, short in _RUNS:
        text = run.sub(short, text)
    return " ".join(text.split())


class Cleaner:
    """Cleans rows one after another and counts what each rule did: `dropped` and `changed` are rule → rows."""

    def __init__(self, *, clear: bool = True, seed: int = 0) -> None:
        """With `clear` False letters and marks stay as they are: for prose."""
        self.clear, self.seed = clear, seed
        self.dropped: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()
        self._seen: set[int] = set()

    def row(self, number: int, cells: dict[str, Any]) -> dict[str, Any] | None:
        """The cells (column → text, or list of texts: turns) cleaned; None if the row is dropped.

        The made-up names depend on the seed and the row's number alone.
        """
        rng, changed = random.Random(f"{self.seed}:{number}"), set[str]()
        found = {column: self._cell(value, rng, changed) for column, value in cells.items()}
        if reason := self._reason(cells, found):
            self.dropped[reason] += 1
            return None
        self.changed.update(changed)
        return found

    def _cell(self, value: Any, rng: random.Random, changed: set[str]) -> Any:
        if isinstance(value, list):
            return [self._text(str(text), rng, changed) for text in value]
        return self._text("" if value is None else str(value), rng, changed)

    def _text(self, text: str, rng: random.Random, changed: set[str]) -> str:
        named = with_names(clean(text), rng)
        plain = _MARK.sub(" ", named)
        private, kinds = without_personal_data(plain)
        changed |= {*kinds, *(["name"] if named != clean(text) else []), *(["mark"] if plain != named else [])}
        if self.clear:
            cleared = clear_sentence(private)
            changed |= {"clear_sentence"} if cleared != " ".join(private.split()) else set()
            return cleared
        return " ".join(private.split())

    def _reason(self, before: dict[str, Any], after: dict[str, Any]) -> str:
        texts = _texts(after)
        if any(_ELSEWHERE.search(text) for text in _texts(before)):
            return "picture_or_address"
        if not all(texts):
            return "empty"
        if any(is_abusive(text) for text in texts):
            return "abuse"
        key = hash(tuple(texts))
        if key in self._seen:
            return "repeated"
        self._seen.add(key)
        return ""


def _texts(cells: dict[str, Any]) -> list[str]:
    """Every text in `cells`; a column without any counts as one empty text."""
    found = []
    for value in cells.values():
        found += (
            [str(text) for text in value] or [""] if isinstance(value, list) else ["" if value is None else str(value)]
        )
    return found
