"""kogpt evaluate chat on a base without an adapter: what can be measured is, beside the written replies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.evaluation import chat
from kogpt_funcs.evaluation.rows import Asked
from kogpt_funcs.models import retrieval


def rows_of(folder: Path, count: int) -> Path:
    """So many held-out rows, as the index has them."""
    with retrieval.using() as index:
        entries = [entry for entry in index.entries if entry.turn == 0][: count * 7 : 7]
    file = folder / "pairs.jsonl"
    rows = [{"split": "test", "emotion": e.emotion, "message": e.message, "reply": e.reply} for e in entries]
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return file


def test_what_is_measured_by_is_not_found(tmp_path: Path) -> None:
    figures = chat.measure(Asked("chat", (rows_of(tmp_path, 24),), limit=3))
    assert figures["exchanges"] == 3
    assert figures["held_out_talk"]["retrieval alone"]["hits@1_of_20"] is not None
    assert figures["held_out_talk"]["base alone"]["assistant_loss"] > 1
    assert figures["held_out_talk"]["with the adapter"]["assistant_loss"] is None
    assert figures["replies"]["replies"] == {"chat": 3, "written": 3}
    assert figures["crisis"]["crisis_found"] == "100 %"
    with retrieval.using() as index:
        hidden = index.entries[0]
        assert all(found.entry != hidden for found in index.search(hidden.message))
        index.hide(())
        assert index.search(hidden.message)[0].entry == hidden


def test_too_few_rows_are_told(tmp_path: Path) -> None:
    with pytest.raises(KogptError, match="20 are wanted"):
        chat.measure(Asked("chat", (rows_of(tmp_path, 5),)))
