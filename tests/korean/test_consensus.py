"""The choice among several rewritings, its chrF beside sacrebleu's."""

from __future__ import annotations

import pytest
from sacrebleu.metrics.chrf import CHRF

from kogpt_funcs.korean import consensus
from kogpt_funcs.korean.consensus import lost, ranked

PAIRS = [
    ("저는 고양이를 여섯 마리 키워요.", "나는 고양이를 여섯 마리 키워."),
    ("오늘 날씨 진짜 좋다", "내일은 비가 온다고 합니다!"),
    ("네.", "응, 그래."),
    ("같은 글", "같은 글"),
]


@pytest.mark.parametrize(("written", "reference"), PAIRS)
def test_agreement_is_chrf(written: str, reference: str) -> None:
    own = 100 * consensus._chrf(consensus._grams(written), consensus._grams(reference))
    assert own == pytest.approx(CHRF().sentence_score(written, [reference]).score, abs=1e-6)


def test_a_slip_that_only_one_made_loses() -> None:
    right, slip, other = "나는 고양이를 여섯 마리 키워.", "나는 고양에를 여섯 말리 키워.", "난 고양이를 여섯 마리 키워."
    assert ranked([slip, right, right, other], "저는 고양이를 여섯 마리 키워요.") == [right, other, slip]


def test_a_lost_number_or_name_is_worse_than_any_wording() -> None:
    source = "저는 BTS 노래를 12번 들었어요."
    kept, lost = "나 BTS 노랠 12번이나 들었지롱~", "나는 BTS 노래를 2번 들었어."
    assert ranked([lost, lost, lost, kept], source)[0] == kept
    assert ranked([lost, "나는 노래를 들었어."], source)[0] == lost


def test_a_lost_word_is_worse_than_standing_alone() -> None:
    source = "김철수는 부산에서 회의를 했습니다."
    kept, lost_word = "김철수는 부산에서 회의를 했어.", "김철수는 회의를 했어."
    assert ranked([lost_word, lost_word, kept], source)[0] == kept


def test_lost_counts_numbers_and_latin_words() -> None:
    assert lost("BTS 노래를 3번", "BTS 노래를 3번 들었어요") == 0
    assert lost("노래를 30번", "BTS 노래를 3번, 다시 3번 들었어요") == 3


def test_nothing_written_leaves_nothing() -> None:
    assert ranked(["", ""], "안녕하세요.") == []
