"""Hangul typed with the keyboard still on English: `dkssud` is 안녕 on the 두벌식 layout. It knows no model and no
function.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_PAIRS = {
    "ㅗㅏ": "ㅘ",
    "ㅗㅐ": "ㅙ",
    "ㅗㅣ": "ㅚ",
    "ㅜㅓ": "ㅝ",
    "ㅜㅔ": "ㅞ",
    "ㅜㅣ": "ㅟ",
    "ㅡㅣ": "ㅢ",
    "ㄱㅅ": "ㄳ",
    "ㄴㅈ": "ㄵ",
    "ㄴㅎ": "ㄶ",
    "ㄹㄱ": "ㄺ",
    "ㄹㅁ": "ㄻ",
    "ㄹㅂ": "ㄼ",
    "ㄹㅅ": "ㄽ",
    "ㄹㅌ": "ㄾ",
    "ㄹㅍ": "ㄿ",
    "ㄹㅎ": "ㅀ",
    "ㅂㅅ": "ㅄ",
}
_KEYS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡ", strict=True))
_KEYS |= {key.upper(): jamo for key, jamo in _KEYS.items()} | dict(zip("QWERTOP", "ㅃㅉㄸㄲㅆㅒㅖ", strict=True))

_WORD = re.compile(r"[A-Za-z]+")
_HANGUL = re.compile(r"[가-힣]")
_LAUGHTER = re.compile(r"[ㅋㅎ]{2,}|[ㅠㅜ]{2,}|ㅇ{2}|ㄱㅅ|ㄴㄴ")  # what people write in single letters
_RARE = 4  # one syllable in so many may be a rare one
_AMONG_HANGUL = 4  # letters from which a Latin word inside Korean text may be a mistake


def repaired(text: str) -> str | None:
    """`text` with what was typed on the wrong layout as Hangul; None if nothing was.

    A text is repaired where all its Latin words make whole, common syllables and are not English; in a text that has
    Hangul, a longer word alone is. Figures and signs stay.
    """
    words = _WORD.findall(text)
    mixed = bool(_HANGUL.search(text))
    if mixed:
        wrong = {word for word in words if len(word) >= _AMONG_HANGUL and _is_mistyped(word)}
    else:
        wrong = set(words) if all(map(_reads_korean, words)) and any(map(_is_mistyped, words)) else set()
    return _WORD.sub(lambda match: hangul(match[0]) if match[0] in wrong else match[0], text) if wrong else None


def hangul(keys: str) -> str:
    """What these keys write on the 두벌식 layout; keys without a letter stay."""
    written = ""
    initial = vowel = final = ""

    def syllable() -> str:
        if not (initial and vowel):
            return initial + vowel + final
        place = (_INITIALS.index(initial) * 21 + _VOWELS.index(vowel)) * 28 + (_FINALS.index(final) + 1 if final else 0)
        return chr(ord("가") + place)

    for jamo in (_KEYS.get(key, key) for key in keys):
        if jamo in _VOWELS:
            if final:  # it was the next syllable's initial: all of it, or the second half of a pair
                kept, moved = _split(final)
                final = kept
                written += syllable()
                initial, vowel, final = moved, jamo, ""
            elif vowel and vowel + jamo in _PAIRS:
                vowel = _PAIRS[vowel + jamo]
            elif vowel:
                written += syllable()
                initial, vowel = "", jamo
            else:
                vowel = jamo
        elif initial and vowel and jamo in _FINALS and (not final or final + jamo in _PAIRS):
            final = _PAIRS[final + jamo] if final else jamo
        else:
            written += syllable()
            initial, vowel, final = (jamo, "", "") if jamo in _INITIALS else ("", "", "")
            written += "" if initial else jamo
    return written + syllable()


def _split(final: str) -> tuple[str, str]:
    """What of a final stays, and what moves to the vowel that follows."""
    pair = next((pair for pair, made in _PAIRS.items() if made == final), "")
    return (pair[0], pair[1]) if pair else ("", final)


def _is_mistyped(word: str) -> bool:
    """Korean on the other layout, and no word of English, no name in capitals."""
    return len(word) > 2 and _reads_korean(word) and not word.isupper() and word.lower() not in _list("english_words")


def _reads_korean(word: str) -> bool:
    """Do the keys make whole syllables, three in four of them common ones, or laughter?"""
    syllables = _LAUGHTER.sub("", hangul(word))
    rare = sum(letter not in _list("common_syllables") for letter in syllables)
    return all("가" <= letter <= "힣" for letter in syllables) and _RARE * rare <= len(syllables)


@cache
def _list(name: str) -> frozenset[str]:
    """english_words: the commoner ones that would pass for Korean. common_syllables: 1,100, which are 99.7 % of
    Korean text.
    """
    words = Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf-8").split()
    return frozenset(words if name == "english_words" else "".join(words))
