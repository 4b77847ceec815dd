"""Examples as token ids: nothing is lost on the way, the order of batches depends on seed and epoch alone."""

from __future__ import annotations

import pytest
import torch
from package_copy import ROOT

from kogpt_funcs.models import Example, Special
from kogpt_funcs.models.tokenizers.kogpt2 import END, Tokenizer
from kogpt_funcs.training.sequences import Sequence, Sequences, collate, pieces, sequences
from kogpt_funcs.training.trainer import LikeLengths


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(ROOT / "weights" / "small" / "tokenizer.json")


def test_sequences_come_back_as_they_were() -> None:
    kept = [Sequence([0, 70_000, 1], 1, 5), Sequence([1], 0, 0), Sequence([5] * 9, 3, 12)]
    store = Sequences(kept)
    assert [store.sequence(i) for i in range(len(store))] == kept
    assert store.lengths == [3, 1, 9]
    assert store[2] == {"input_ids": [5] * 9, "start": 3}


def test_a_long_plain_text_is_cut_and_a_long_prompt_is_left_out(tokenizer: Tokenizer) -> None:
    text = "아주 긴 이야기가 이어졌다. " * 30
    whole = tokenizer.encode([Special("<s>"), text])
    parts = list(pieces(Example([Special("<s>")], text), tokenizer, 32))
    assert [token for part in parts for token in part.ids] == [*whole, END]
    assert [part.start for part in parts] == [1] + [0] * (len(parts) - 1)
    assert sum(part.characters for part in parts) == pytest.approx(len(text), abs=len(parts))
    assert sequences([Example(["왕", Special("<unused8>")], text)], tokenizer, 32) == []


def test_the_loss_counts_on_targets_alone() -> None:
    batch = collate([{"input_ids": [7, 8, 9, END], "start": 2}, {"input_ids": [7, END], "start": 1}])
    assert batch["input_ids"][0].tolist() == [7, 8, 9, END]
    assert batch["input_ids"][1, :2].tolist() == [7, END]
    assert batch["labels"].tolist() == [[-100, -100, 9, END], [-100, END, -100, -100]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_alone() -> None:
    lengths = [1 + i % 37 for i in range(500)]

    def batches(seed: int, epoch: int) -> list[list[int]]:
        sampler = LikeLengths(lengths, 8, 10**6, seed)
        sampler.set_epoch(epoch)
        torch.rand(epoch + 3)  # what a run has drawn before does not matter
        return list(sampler)

    assert sorted(i for batch in batches(0, 0) for i in batch) == list(range(500))
    assert batches(0, 1) == batches(0, 1) != batches(0, 0)
    assert batches(1, 1) != batches(0, 1)
    spreads = [max(lengths[i] for i in batch) - min(lengths[i] for i in batch) for batch in batches(0, 2)]
    assert sum(spreads) / len(spreads) < 8


def test_a_batch_holds_no_more_tokens_than_it_may_and_every_process_as_many_batches() -> None:
    lengths = [3 + (i * i) % 90 for i in range(700)] + [400]
    batches = list(LikeLengths(lengths, 16, 256, seed=0))
    assert {i for batch in batches for i in batch} == set(range(701))
    assert all(len(batch) <= 16 for batch in batches)
    assert all(len(batch) == 1 or max(lengths[i] for i in batch) * len(batch) <= 256 for batch in batches)
    for processes in (2, 3):
        sampler = LikeLengths(lengths, 16, 256, 0, processes)
        assert len(sampler) % processes == 0
        assert [sampler.set_epoch(epoch) or len(list(sampler)) for epoch in (0, 1, 2)] == [len(sampler)] * 3
