"""`kogpt evaluate classify_emotion`: the shipped checkpoint beside character n-grams, on rows made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.evaluation.classify_emotion import best_threshold, measure
from kogpt_funcs.evaluation.rows import Asked

_SAID = {
    "기쁨": ["너무 행복하다", "정말 기쁘고 신난다"],
    "슬픔": ["눈물이 난다", "마음이 아프고 슬프다"],
    "화남/분노": ["화가 치민다", "분해서 못 참겠다"],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [
        {"text": f"{text} {n}", "labels": [label]}
        for n in range(50)
        for label, texts in _SAID.items()
        for text in texts
    ]
    (tmp_path / "rows.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    return tmp_path


def test_both_read_the_same_rows(data: Path) -> None:
    figures = measure(Asked("classify_emotion", (data / "rows.jsonl",), cache=data))
    assert figures["training_rows"] + 2 * figures["held_out_rows"] == pytest.approx(300, abs=40)
    assert (
        figures["six"]["character_n-grams"]["accuracy"] == 1.0
    )  # it has seen all these sentences, under other numbers
    assert figures["kote"]["character_n-grams,_one_threshold"]["mean_auc"] == 1.0
    for rows in (figures["six"], figures["kote"]):
        for row in rows.values():
            assert 0 <= row["ece"] <= 1
            assert 0 <= row["macro_f1"] <= 1
    assert figures["six"]["checkpoint"]["mean_auc"] > 0.5


def test_rows_without_labels_get_a_sentence(data: Path) -> None:
    (data / "few.jsonl").write_text('{"text": "좋다", "labels": ["기쁨"]}\n', encoding="utf-8")
    with pytest.raises(KogptError, match=r"few\.jsonl"):
        measure(Asked("classify_emotion", (data / "few.jsonl",), cache=data))


def test_one_threshold_is_the_best_for_all_labels_together() -> None:
    chances = np.array([[0.9, 0.6], [0.4, 0.55], [0.3, 0.1], [0.1, 0.05]])
    truth = np.array([[True, True], [True, True], [False, False], [False, False]])
    assert 0.3 < best_threshold(chances, truth) <= 0.4
