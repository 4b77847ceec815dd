"""`kogpt evaluate base`: the Kneser-Ney model against values by hand, the figures of the shipped base beside it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.evaluation import base
from kogpt_funcs.evaluation.kneser_ney import KneserNey, Stream

_A, _B, _C, _END, _PAD = 4, 5, 2, 1, 3


def stream(*documents: list[int], length: int = 12) -> Stream:
    """Each document in a block of its own."""
    return Stream.of_blocks(np.array([[*d, *[_PAD] * (length - len(d))] for d in documents], np.uint16))


def test_documents_end_at_the_end_token_or_with_their_block() -> None:
    found = Stream.of_blocks(np.array([[_A, _END, _B, _C], [_C, _END, _A, _PAD]], np.uint16))
    assert found.tokens.tolist() == [_A, _END, _B, _C, _C, _END, _A]
    assert found.offsets.tolist() == [0, 1, 0, 1, 0, 1, 0]
    repeated = stream([_A, _B, _END], [_A, _C, _END], [_A, _B, _END]).without_repeats()
    assert repeated.tokens.tolist() == [_A, _B, _END, _A, _C, _END]


def test_probabilities_are_those_by_hand() -> None:
    """Discounts are KenLM's fallback 0.5, 1, 1.5: no count occurs four times."""
    model = KneserNey(stream([_A, _B, _END], [_A, _C, _END], [_A, _B, _END]), 2, vocabulary=6)
    # What precedes what: b after 1 word, c after 1, the end after 2; of these 4, 0.5 + 0.5 + 1 are shared among the 6
    # entries.
    b = (1 - 0.5) / 4 + 2 / 4 / 6
    end = (2 - 1) / 4 + 2 / 4 / 6
    # a is followed 3 times: by b twice, by c once; b twice by the end.
    expected = [2 / 4 / 6, (2 - 1) / 3 + (1 + 0.5) / 3 * b, (2 - 1) / 2 + 1 / 2 * end]
    assert model.probabilities(stream([_A, _B, _END])).tolist() == pytest.approx(expected)


def test_probabilities_after_any_context_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    vocabulary = 9
    weights = rng.dirichlet(np.ones(vocabulary - 4) * 0.3, 5)
    documents = []
    for _ in range(400):
        tokens = [4]
        while len(tokens) < 11:
            tokens.append(int(rng.choice(np.arange(4, vocabulary), p=weights[tokens[-1] - 4])))
        documents.append([*tokens, _END])
    model = KneserNey(stream(*documents), 5, vocabulary)
    for context in ([4], [4, 5], [4, 6, 6, 5, 7, 8], [8, 8, 8, 8, 8], [2, 2, 2]):
        chances = [model.probabilities(stream([*context, word]))[-1] for word in range(vocabulary) if word != _PAD]
        pad = (1 - sum(chances)) * vocabulary  # the pad's share cannot be asked for: it is what every unseen word has
        assert sum(chances) < 1
        assert min(chances) == pytest.approx(pad / vocabulary)


def test_more_context_predicts_better() -> None:
    documents = [[4, *[5, 6, 7, 8] * 2, _END], [4, *[6, 5, 8, 7] * 2, _END]] * 30 + [
        [4, n % 5 + 4, _END] for n in range(50)
    ]
    held_out = stream([4, 5, 6, 7, 8, 5, 6, 7, 8, _END])
    bits = [-np.log2(KneserNey(stream(*documents), order, 16).probabilities(held_out)).sum() for order in (1, 2, 3)]
    assert bits[0] > bits[1] > bits[2]


def test_the_shipped_base_beside_kneser_ney(tmp_path: Path) -> None:
    texts = [
        f"{who}는 {where}에서 {n}번 {did}."
        for n in range(60)
        for who in "개새말"
        for where in "산강들"
        for did in ("웃었다", "울었다")
    ]
    rows = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    (tmp_path / "texts.jsonl").write_text(rows, encoding="utf-8")
    mix = (
        'vocabulary = ["texts.jsonl"]\n[[part]]\nfile = "texts.jsonl"\nfunction = "continue_text"\ngroup = "stories"\n'
    )
    (tmp_path / "mix.toml").write_text(mix, encoding="utf-8")
    base.pack(tmp_path / "run", tmp_path, tmp_path / "mix.toml")
    figures = base.measure(tmp_path / "run")
    row = figures["held_out"]["stories"]
    assert row["kneser_ney_bits"] < row["bits"]  # it has counted these sentences, the base has never seen one
    assert row["perplexity"] == pytest.approx(2 ** (row["bits"] * row["characters"] / row["tokens"]), rel=0.01)
    assert row["below_percent"] == pytest.approx(100 * (1 - row["bits"] / row["kneser_ney_bits"]), abs=0.1)
    assert figures["held_out"]["all"] == row
    assert figures["tokens_the_run_has_seen"] is None
    (kept,) = (tmp_path / "run").glob("kneser_ney-*.json")
    (blocks,) = json.loads(kept.read_text()).values()
    assert sum(blocks) / row["characters"] == pytest.approx(row["kneser_ney_bits"], abs=1e-3)
    assert math.isfinite(sum(blocks))


def test_without_packed_text_it_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(KogptError, match="Give the folder of the data with --data"):
        base.measure(tmp_path)
    for name in ("train.npz", "tokenizer.json"):
        (tmp_path / name).write_text('{"model": {"vocab": {}}}')
    with pytest.raises(KogptError, match="another vocabulary"):
        base.measure(tmp_path)
