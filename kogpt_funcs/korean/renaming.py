"""Other names and numbers in both texts of a pair, so that a model that learns from it learns to copy. It knows no
function.
"""

from __future__ import annotations

import random
import re

_SURNAMES = "김이박최정강조윤장임한오서신권황안송류홍"
_GIVEN = "민준서윤지우하은도현수빈예진시우유나준호채원건우소율태민다은성훈미경"
#: Indices of common initials, vowels and finals in Unicode's order of Hangul syllables.
_INITIALS = (0, 2, 3, 5, 6, 7, 9, 11, 12, 14, 15, 16, 17, 18)
_VOWELS = (0, 1, 4, 5, 6, 8, 12, 13, 17, 18, 20)
_FINALS = (1, 4, 8, 16, 17, 21)

_NUMBER = re.compile(r"(?<!\d)\d+(?!\d)")
_NOUN = re.compile(
    r"(?<![가-힣])([가-힣]{2,5}?)(?=(?:은|는|이|가|을|를|의|에|에서|도|만|와|과|으로|로|하고|이랑|랑|까지|부터|에게|한테|이나|나|보다|처럼)(?![가-힣]))"
)
_STEM_OF_A_VERB = re.compile("[하되했됐있없같좋싫았었겠시으]$")


def renamed(source: str, target: str, rng: random.Random) -> tuple[str, str]:
    """The pair with the numbers that both share, and one word before a particle that both share, replaced alike in
    both.

    A new word is a name or a made-up word; it ends in a final consonant where the old one does, so that particles fit.
    """
    for number in dict.fromkeys(_NUMBER.findall(source)):
        if number in _NUMBER.findall(target):
            other = str(rng.randrange(10 ** (len(number) - 1), 10 ** len(number)))
            source, target = (re.sub(rf"(?<!\d){number}(?!\d)", other, text) for text in (source, target))
    nouns = [
        noun for noun in _NOUN.findall(source) if _starts_word(noun).search(target) and not _STEM_OF_A_VERB.search(noun)
    ]
    if nouns:
        noun = rng.choice(nouns)
        other = _word(_is_closed(noun), rng)
        source, target = (_starts_word(noun).sub(other, text) for text in (source, target))
    return source, target


def _starts_word(noun: str) -> re.Pattern[str]:
    return re.compile(f"(?<![가-힣]){noun}")


def _word(closed: bool, rng: random.Random) -> str:
    if rng.random() < 0.3:
        return rng.choice(_SURNAMES) + rng.choice(_GIVEN) + rng.choice([s for s in _GIVEN if _is_closed(s) == closed])
    return "".join(_syllable(rng.random() < 0.5, rng) for _ in range(rng.randint(1, 3))) + _syllable(closed, rng)


def _syllable(closed: bool, rng: random.Random) -> str:
    final = rng.choice(_FINALS) if closed else 0
    return chr(ord("가") + (rng.choice(_INITIALS) * 21 + rng.choice(_VOWELS)) * 28 + final)


def _is_closed(word: str) -> bool:
    return (ord(word[-1]) - ord("가")) % 28 != 0
