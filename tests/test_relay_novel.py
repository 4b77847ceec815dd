"""relay_novel on the shipped small base, which continues plainly; what a row teaches; what is chosen of what was
written.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny import WHO, tiny_base

from kogpt_funcs import relay_novel
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import InvalidInput
from kogpt_funcs.korean.abuse import is_abusive
from kogpt_funcs.korean.text import last_sentence_end, sentences
from kogpt_funcs.models import Special
from kogpt_funcs.relay_novel import (
    RelayNovelInput,
    RelayNovelOutput,
    _cut,
    _distinct,
    _ranked,
    _request,
    prompt,
    stream,
    training_examples,
)
from kogpt_funcs.training.finetuning import Options, finetune
from kogpt_funcs.training.sources import Source

ROW = {
    "genre": "코미디",
    "notes": "형: 허풍쟁이.",
    "story": "형이 왔다.",
    "sentence": "형이 웃었다.",
    "candidates": ["나도 웃었다.", "문이 열렸다."],
}


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    with settings.using(base="small"):
        yield


def offered(**given: Any) -> list[str]:
    return relay_novel(
        RelayNovelInput.model_validate({"sentence": "아이는 두레박을 내려 보기로 했다.", "seed": 1, **given})
    ).candidates


@pytest.mark.parametrize("number", [1, 3, 5])
def test_candidates_are_whole_few_and_different(number: int) -> None:
    candidates = offered(
        story="우물은 삼 년 전에 말랐다. 그런데 간밤에 물소리가 났다.", genre="판타지", num_candidates=number
    )
    assert 1 <= len(candidates) <= number
    assert len(set(candidates)) == len(candidates)
    for text in candidates:
        assert last_sentence_end(text) == len(text)
        assert 1 <= len(sentences(text)) <= 3
        assert not is_abusive(text)


def test_the_same_seed_offers_the_same() -> None:
    assert offered(num_candidates=2) == offered(num_candidates=2)


def test_the_last_of_the_stream_is_the_answer() -> None:
    given = RelayNovelInput(sentence="문이 열렸다.", num_candidates=2, seed=4)
    *partial, last = stream(given)
    assert isinstance(last, RelayNovelOutput)
    assert partial
    assert relay_novel(given) == last
    assert all(len(output.candidates) <= 2 for output in partial)


def test_a_very_long_story_is_read() -> None:
    assert offered(
        story="윤서는 역에 닿았다. 비가 왔다. " * 4000,
        notes="윤서: 의사. " * 20,
        sentence="그 " * 200 + "밤이었다.",
        num_candidates=1,
    )


def test_an_empty_sentence_is_told() -> None:
    with pytest.raises(InvalidInput, match="sentence"):
        offered(sentence=" \u200b ")


def test_notes_and_names_survive_a_long_story() -> None:
    story = (
        "하진은 서점에서 일했다. "
        + "비가 오래 내렸다. " * 200
        + "도윤이 지도를 펼쳤다. "
        + "바람이 불었다. " * 200
        + "불이 꺼졌다."
    )
    request = _request(
        RelayNovelInput(sentence="도윤이 지도를 접었다.", notes="하진: 말수가 적다.", story=story),
        "도윤이 지도를 접었다.",
        0,
    )
    texts = [piece for piece in request.prompt if isinstance(piece, str)]
    assert texts[0] == "일상"
    assert texts[1] == "하진: 말수가 적다."
    assert texts[2].startswith("하진은 서점에서 일했다.")
    assert texts[2].endswith("불이 꺼졌다.")
    assert "도윤이 지도를 펼쳤다." in texts[2]
    assert texts[3] == "도윤이 지도를 접었다."
    assert len(texts[2]) <= 700


def test_what_does_not_end_is_cut_at_a_sentence_end() -> None:
    assert _cut("하나다. 둘이다. 셋이다. 넷이다.") == "하나다. 둘이다. 셋이다."
    assert _cut("하나다. 둘은 아직") == "하나다."
    assert _cut("끝이 없는 글") == ""


def test_those_that_tell_the_same_are_shown_once() -> None:
    ranked = ["문이 열리고 여자가 들어왔다.", "문이 열리고 여자가 나왔다.", "갑자기 전화벨이 울렸다."]
    assert _distinct(ranked, set(), 3) == [ranked[0], ranked[2]]
    assert _distinct(ranked, set(), 1) == [ranked[0]]


def test_with_an_adapter_candidates_are_ranked_by_what_the_sentence_explains(tmp_path: Path) -> None:
    """Trained on stories in which who comes in the newest sentence laughs next, it prefers that one's laugh."""
    weights = tmp_path / "weights"
    base = tiny_base(weights / "tiny", n_positions=128)
    rows = [
        {"genre": "SF", "sentence": f"{who} 왔다.", "candidates": [f"{who} 웃었다."]} for who in WHO for _ in range(40)
    ]
    data = tmp_path / "rows.jsonl"
    data.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    options = Options(batch_size=8, epochs=12, lr=5e-3)
    finetune(
        "relay_novel",
        [Source(data, {})],
        base=str(base),
        run=tmp_path / "run",
        out=weights / "tiny" / "relay_novel",
        options=options,
    )
    with settings.using(base="tiny", weights=weights):
        given = RelayNovelInput(sentence=f"{WHO[0]} 왔다.", genre="SF")
        pool = [f"{who} 웃었다." for who in reversed(WHO)]
        assert _ranked(pool, given, given.sentence)[0] == f"{WHO[0]} 웃었다."


def test_the_prompt_leaves_places_empty() -> None:
    names = [f"<unused{i}>" for i in range(14, 19)]
    assert [piece.name for piece in prompt("SF", "", "", "가.") if isinstance(piece, Special)] == names
    assert [
        piece for piece in prompt("SF", "나", "다", "가.") if isinstance(piece, str) and not isinstance(piece, Special)
    ] == ["SF", "나", "다", "가."]


def test_each_candidate_of_a_turn_is_learned() -> None:
    examples = list(training_examples(ROW, random.Random(0)))
    assert [example.target for example in examples] == ROW["candidates"]
    assert examples[0].prompt == prompt("코미디", "형: 허풍쟁이.", "형이 왔다.", "형이 웃었다.")


def test_a_story_is_cut_at_its_sentences() -> None:
    told = [f"{n}번째 일이 일어났다." for n in range(30)]
    examples = list(training_examples({"genre": "SF", "title": "일", "text": "\n".join(told)}, random.Random(0)))
    assert len(examples) == 6
    for example in examples:
        story, sentence = [piece for piece in example.prompt if isinstance(piece, str)][1:]
        at = told.index(sentence)
        assert story.endswith(told[at - 1])
        assert example.target in [" ".join(told[at + 1 : at + 1 + count]) for count in (1, 2, 3)]
    assert list(training_examples({"genre": "SF", "text": "한 문장."}, random.Random(0))) == []
