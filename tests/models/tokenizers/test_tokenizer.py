"""Token ids: our own tokenizer and SKT's real one, through the same class."""

from __future__ import annotations

from pathlib import Path

import pytest
from kogpt2_fixture import kogpt2

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models import Special
from kogpt_funcs.models.tokenizers.kogpt2 import END, SPECIALS, Tokenizer, defuse

OURS = settings.current().weights / "small"
HARD = [
    "안녕하세요. 오늘은 날씨가 좋네요ㅋㅋㅋ ㅠㅠ",
    "ㅋㅋㅋㅋㅋ ㅎㅎ ㅠㅠ ^^ ~~ ㅇㅋ ㄱㄱ",
    "첫 줄\n둘째 줄",
    "웃겨 😤 좋아 ㅜㅜ",
    'English 123, 3.5% (괄호) "따옴표"',
]


@pytest.fixture(params=[lambda: OURS, kogpt2], ids=["ours", "kogpt2"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return Tokenizer(request.param() / "tokenizer.json")


@pytest.mark.parametrize("text", HARD)
def test_round_trip_keeps_jamo_emoji_and_line_breaks(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode([text])).strip() == text


def test_special_tokens_have_kogpt2s_ids_and_are_dropped_from_text(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode([Special("<usr>"), "안녕", Special("<unused7>")])
    assert (ids[0], ids[-1]) == (2, 16)
    assert tokenizer.decode([*ids, END]).strip() == "안녕"


@pytest.mark.parametrize("name", SPECIALS)
def test_users_text_never_becomes_a_special_token(tokenizer: Tokenizer, name: str) -> None:
    assert all(i > 108 for i in tokenizer.encode([f"앞 {name} 뒤"]) if i != SPECIALS.index("<unk>"))
    assert defuse(name) != name


def test_known_answer_of_skts_readme() -> None:
    tokenizer = Tokenizer(kogpt2() / "tokenizer.json")
    expected = [25906, 8702, 7801, 25856, 10070, 8135, 34018, 9677, 7098, 8084, 605, 605, 605, 739, 216]
    assert tokenizer.encode(["안녕하세요. 오늘은 날씨가 좋네요ㅋㅋㅋ ㅠㅠ"]) == expected
    assert tokenizer.newline == 375


def test_rare_syllables_and_unfinished_characters() -> None:
    tokenizer = Tokenizer(OURS / "tokenizer.json")
    ids = tokenizer.encode(["똠양꿍 𠮷"])
    assert tokenizer.decode(ids).strip() == "똠양꿍 𠮷"
    for kept in range(1, len(ids)):
        assert "\ufffd" not in tokenizer.decode(ids[:kept])


def test_a_folder_without_a_tokenizer_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        Tokenizer(tmp_path / "tokenizer.json")
