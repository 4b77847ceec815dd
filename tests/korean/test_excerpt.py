"""What is kept of a long text."""

from __future__ import annotations

import pytest

from kogpt_funcs.korean.excerpt import excerpt
from kogpt_funcs.korean.stems import stems
from kogpt_funcs.korean.text import sentences

LONG = [f"{n}번째 날에는 비가 내렸다." for n in range(100)]


def test_a_short_text_stays_whole() -> None:
    assert excerpt("하나다.\n둘이다.", 100, "") == "하나다. 둘이다."
    assert excerpt("", 100, "가") == ""


@pytest.mark.parametrize("room", [60, 200, 500, 1500])
def test_sentences_are_kept_whole_and_in_order(room: int) -> None:
    kept = sentences(excerpt(" ".join(LONG), room, ""))
    assert len(" ".join(kept)) <= room
    places = [LONG.index(sentence) for sentence in kept]
    assert places == sorted(places)
    assert places[-1] == 99


def test_the_middle_tells_of_what_matters() -> None:
    map_, letter = "그때 도윤이 커다란 지도를 펼쳤다.", "그때 하진이 기다란 편지를 읽었다."
    told = " ".join([*LONG[:30], map_, *LONG[30:60], letter, *LONG[60:]])
    for about, there, missing in (("도윤은 어디 있을까?", map_, letter), ("하진의 편지는?", letter, map_)):
        kept = excerpt(told, 160, about)
        assert there in kept
        assert missing not in kept


def test_what_has_no_sentence_end_is_cut_at_a_word() -> None:
    kept = excerpt("낱말 " * 1000, 100, "")
    assert len(kept) <= 100
    assert set(kept.split()) == {"낱말"}
    assert len(excerpt("가" * 5000, 100, "")) <= 100


def test_stems_are_words_without_particles() -> None:
    assert stems("도윤은 서점에서 지도를 보았다.") >= {"도윤", "서점", "지도"}
