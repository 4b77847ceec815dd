"""What is measured of written samples: diversity, loops, verbatim overlap; `kogpt evaluate` of the writing functions;
the grid.
"""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kogpt_funcs.command.evaluate import evaluate
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.evaluation import continue_text, grid, write_comment
from kogpt_funcs.evaluation.continue_text import split
from kogpt_funcs.evaluation.diversity import cut_to, distinct, loops, self_bleu
from kogpt_funcs.evaluation.memorisation import figures, longest_overlaps
from kogpt_funcs.evaluation.rows import Asked
from kogpt_funcs.training.mix import is_test

_LETTERS = "가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허고노도로모보소오조초코토포호"


def written(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


def test_distinct_counts_different_ngrams_over_all() -> None:
    assert distinct(["가 나 가 나", "가 나"], 2) == 0.5  # 가나 나가 가나, 가나
    assert distinct(["가 나 다", ""], 1) == 1.0
    assert distinct(["가"], 2) is None


def test_self_bleu_tells_one_text_again_and_again_from_different_ones() -> None:
    same = self_bleu(["이 영화 정말 재미있게 보았다"] * 3)
    different = self_bleu(["이 영화 정말 재미있게 보았다", "배우 연기가 아쉬운 작품이다", "다시는 보고 싶지 않은 결말"])
    assert same == 100
    assert different is not None
    assert different < 10
    assert self_bleu(["하나"]) is None


@pytest.mark.parametrize(
    ("text", "circle"),
    [
        ("그는 집에 갔다 왔다 그는 집에 갔다 왔다", True),
        ("정말 정말 정말 정말 좋다", True),
        ("정말 정말 정말 좋다", False),
        ("그는 집에 갔다 그는 집에 왔다", False),
        ("", False),
    ],
)
def test_a_loop_is_a_fourgram_twice_or_a_word_four_times_in_a_row(text: str, circle: bool) -> None:
    assert loops(text) is circle


def test_the_longest_overlap_is_found_wherever_it_stands() -> None:
    samples = [
        _LETTERS,
        "x" + _LETTERS[3:25] + "y",
        _LETTERS[:19],
        "없는 말이 길게 이어지는 그런 문장이다 정말로",
        _LETTERS[:25] + "  \n" + _LETTERS[:20],
    ]
    texts = ["ㅋㅋ " + _LETTERS[5:] + " ㅋㅋ", "다른 글", _LETTERS[:30], _LETTERS[:25] + " " + _LETTERS[:20]]
    assert longest_overlaps(samples, texts) == [len(_LETTERS) - 5, 22, 0, 0, 46]
    assert figures([37, 22, 0, 0, 46]) == {"longest_verbatim_overlap": 46, "verbatim_40_characters_percent": 20.0}


def test_overlaps_are_those_of_a_plain_search() -> None:
    rng = random.Random(0)
    texts = ["".join(rng.choices("가나", k=200)) for _ in range(20)]
    samples = ["".join(rng.choices("가나", k=60)) for _ in range(10)] + [
        texts[3][50:110],
        texts[7][:23] + texts[2][:23],
    ]
    plain = [
        max((j - i for i in range(61) for j in range(i + 20, len(s) + 1) if any(s[i:j] in t for t in texts)), default=0)
        for s in samples
    ]
    assert longest_overlaps(samples, texts) == plain
    assert max(plain) == 60


def test_texts_are_never_joined_to_make_an_overlap() -> None:
    assert longest_overlaps([_LETTERS], [_LETTERS[:15], _LETTERS[15:]]) == [len(_LETTERS) - 15]
    assert longest_overlaps([_LETTERS[:30]], [_LETTERS[:15], _LETTERS[15:]]) == [0]
    assert longest_overlaps([], ["글"]) == []


def test_prompts_are_beginnings_of_texts_that_go_on() -> None:
    row = {"text": "그는 집에 갔다. 밤이 되어도\n그는 돌아오지 않았다."}
    assert split(row, whole=True) == ("그는 집에 갔다.", "밤이 되어도 그는 돌아오지 않았다.")
    assert split(row, whole=False) == ("그는 집에 갔다. 밤이 되어도", "그는 돌아오지 않았다.")
    assert split({"text": "한 문장뿐이다."}, whole=True) is None
    assert split({}, whole=False) is None
    assert list(cut_to(["가 나 다", "라"], ["한 둘", "셋 넷"])) == ["가 나", "라"]


def test_continue_text_is_measured(tmp_path: Path) -> None:
    texts = [
        {"text": f"{n}번째 날 아침에 그는 길을 떠났다. 산을 {n}개 넘고 강을 건너 마을에 닿았다."} for n in range(400)
    ]
    asked = Asked("continue_text", (written(tmp_path / "texts.jsonl", texts),), limit=3)
    found = continue_text.measure(asked)
    assert found["samples"] == 3
    assert found["figures"]["empty_percent"] == {"written": 0.0, "real": 0.0}
    assert found["figures"]["longest_verbatim_overlap"]["real"] >= 20  # every row ends alike
    assert continue_text.measure(asked) == found


def test_write_comment_is_measured(tmp_path: Path) -> None:
    good, bad = ["정말 최고의 영화다", "연기가 훌륭하고 감동이다"], ["정말 최악의 영화다", "돈이 아깝고 지루하다"]
    rows = [
        {"text": f"{text} {n}", "rating": rating, "topic": f"배우{n}"}
        for n in range(200)
        for texts, rating in ((good, 10), (bad, 1), (["그냥 볼만한 영화"], 6))
        for text in texts
    ]
    assert {row["rating"] for row in rows if is_test(row)} == {1, 6, 10}
    asked = Asked("write_comment", (written(tmp_path / "comments.jsonl", rows),), limit=15, cache=tmp_path / "cache")
    found = write_comment.measure(asked)
    assert [row["comments"] for row in found["moods"].values()] == [5, 5, 5, 15]
    assert found["moods"]["mean"]["of_real_percent"] == 100
    assert "two-way_percent" not in found["moods"]["보통"]
    assert found["comments"]["comments"] == {"written": 15, "real": 15}
    assert found["comments"]["abusive_percent"] == {"written": 0.0, "real": 0.0}
    assert found["comments"]["topic_kept_percent"]["real"] == 0.0


@pytest.mark.parametrize(
    ("module", "row", "sentence"),
    [
        (continue_text, {"text": "한 문장."}, "has a `text` of two sentences or more"),
        (write_comment, {"text": "재미있다.", "rating": 9}, "has a `topic`"),
    ],
)
def test_rows_that_do_not_serve_get_a_sentence(tmp_path: Path, module: Any, row: dict[str, Any], sentence: str) -> None:
    data = written(tmp_path / "rows.jsonl", [{**row, "split": "test"}])
    with pytest.raises(KogptError, match=sentence):
        module.measure(Asked("any", (data,)))


def test_the_grid_holds_every_prompt_and_temperature(tmp_path: Path) -> None:
    lines = ["인생을 즐겁게 살기 위해서는 먼저 웃어야 한다.", "어느 날 아침 그는 낯선 편지 한 통을 받았다.", "짧은 글"]
    (tmp_path / "lines.txt").write_text("\n".join(lines), encoding="utf-8")
    options = ["--words", "2", "--words", "4", "--temperature", "1", "--temperature", "10", "--tokens", "12"]
    options += ["--out", str(tmp_path / "grid.csv"), "--json", str(tmp_path / "grid.json")]
    done = CliRunner().invoke(
        evaluate, ["grid", "--data", str(tmp_path / "lines.txt"), *options], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    with (tmp_path / "grid.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = list(csv.DictReader(file))
    assert [(c["line"], c["words"], c["temperature"]) for c in cells] == [
        (line, words, temperature) for words in "24" for temperature in ("1.0", "10.0") for line in "12"
    ]
    assert cells[0]["prompt"] == "인생을 즐겁게"
    assert cells[0]["rest"] == "살기 위해서는 먼저 웃어야 한다."
    grid = json.loads((tmp_path / "grid.json").read_text(encoding="utf-8"))["grid"]
    assert list(grid) == [
        "2 words, temperature 1",
        "2 words, temperature 10",
        "4 words, temperature 1",
        "4 words, temperature 10",
    ]
    assert {row["samples"] for row in grid.values()} == {2}


def test_a_grid_needs_lines_that_go_on(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("짧은 글\n", encoding="utf-8")
    with pytest.raises(KogptError, match="has more than 50 words"):
        grid.measure(tmp_path / "lines.txt", grid.Grid((50,), (1.0,)))


def test_what_a_line_holds_is_flagged_as_memorised(tmp_path: Path) -> None:
    line = "어느 날 아침 " + _LETTERS
    known = written(tmp_path / "known.jsonl", [{"text": "옛날 이야기에 따르면 " + _LETTERS}])
    (tmp_path / "lines.txt").write_text(line + "\n둘째 줄은 아무 데도 없는 말이다.\n", encoding="utf-8")
    _, cells = grid.measure(tmp_path / "lines.txt", grid.Grid((2,), (0.0,), tokens=8), trained_on=[known])
    assert [cell.memorised for cell in cells] == [False, False]
    remembered = grid.cell(1, line, 2, 0.0, "아침 " + _LETTERS, "어느 날", len(line))
    assert remembered.memorised
    assert remembered.chrf == 100
