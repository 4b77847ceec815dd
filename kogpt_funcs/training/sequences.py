"""Examples as token ids: kept in little memory, padded into batches, and measured in bits a character."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from kogpt_funcs.models import Example, Special
from kogpt_funcs.models.tokenizers.tokenizer import Tokenizer

_FILLER = 0  # an id for the places behind a row's end, which nothing reads
_ROWS, _TOKENS = 32, 4096  # of a batch that is measured


@dataclass(frozen=True)
class Sequence:
    """Ids of prompt and target, the end token last; the loss counts from `start` on."""

    ids: list[int]
    start: int
    characters: int


def sequences(examples: Iterable[Example], tokenizer: Tokenizer, length: int) -> list[Sequence]:
    """The pieces of each example; one that is longer than `length` tokens and cannot be cut is left out."""
    return [piece for example in examples for piece in pieces(example, tokenizer, length)]


def pieces(example: Example, tokenizer: Tokenizer, length: int) -> Iterator[Sequence]:
    """An example as one sequence. A longer one than `length` tokens is cut if it is plain text: no text in its
    prompt.
    """
    before = tokenizer.encode(example.prompt)
    ids = [*before, *tokenizer.encode([example.target]), tokenizer.end]
    if len(ids) <= length:
        yield Sequence(ids, len(before), len(example.target))
    elif all(isinstance(piece, Special) for piece in example.prompt):
        for first in range(0, len(ids), length):
            part = ids[first : first + length]
            yield Sequence(part, max(0, len(before) - first), round(len(example.target) * len(part) / len(ids)))


class Sequences(torch.utils.data.Dataset):
    """Sequences as Trainer wants them, in four bytes a token."""

    def __init__(self, sequences: Iterable[Sequence] = ()) -> None:
        self._ids, self._ends, self._starts, self._characters = array("I"), array("Q"), array("I"), array("I")
        for sequence in sequences:
            self.append(sequence)

    def append(self, sequence: Sequence) -> None:
        self._ids.extend(sequence.ids)
        self._ends.append(len(self._ids))
        self._starts.append(sequence.start)
        self._characters.append(sequence.characters)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> dict[str, Any]:
        sequence = self.sequence(index)
        return {"input_ids": sequence.ids, "start": sequence.start}

    def sequence(self, index: int) -> Sequence:
        first = self._ends[index - 1] if index else 0
        return Sequence(self._ids[first : self._ends[index]].tolist(), self._starts[index], self._characters[index])

    @property
    def lengths(self) -> list[int]:
        return [end - begin for begin, end in zip([0, *self._ends], self._ends, strict=False)]


def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """input_ids and attention_mask [batch, longest]; labels, -100 on prompts and pads, of the `logits_to_keep` last
    places alone.

    The places before every target have no part in the loss: leaving them out of the vocabulary's matrix saves a third
    of a step.
    """
    ids = pad_sequence([torch.tensor(row["input_ids"]) for row in rows], batch_first=True, padding_value=_FILLER)
    place = torch.arange(ids.shape[1])
    there = place < torch.tensor([[len(row["input_ids"])] for row in rows])
    counted = there & (place >= torch.tensor([[row["start"]] for row in rows]))
    first = max(0, min(row["start"] for row in rows) - 1)  # a target's first token is told at the place before it
    labels = ids.masked_fill(~counted, -100)[:, first:]
    return {"input_ids": ids, "attention_mask": there.long(), "labels": labels, "logits_to_keep": labels.shape[1]}


class SequenceTask:
    """Sequences as a task of the training loop: cross-entropy of their targets, watched as bits a character too."""

    def __init__(self, train: Sequences, held_out: list[Sequence]) -> None:
        self.train, self.held_out = train, held_out
        self.collate = collate

    @property
    def watched(self) -> bool:
        return bool(self.held_out)

    def loss(self, model: Any, batch: dict[str, Any]) -> torch.Tensor:
        return target_loss(model, batch)

    def watch(self, model: Any) -> dict[str, float]:
        nats, tokens = loss(model, self.held_out)
        return {"loss": nats / max(1, tokens), "bits_per_character": _bits(nats, self.held_out)}


def target_loss(model: Any, batch: dict[str, Any], reduction: str = "mean") -> torch.Tensor:
    """Nats of the labels in `batch`, each told at the place before its own: their mean, their sum, or each one's
    own.
    """
    labels = batch.pop("labels")[:, 1:]
    logits = model(**batch).logits[:, :-1].float()
    return torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction=reduction)


def bits_per_character(model: torch.nn.Module, measured: list[Sequence]) -> float:
    """Bits a character of the targets (their end token counted too)."""
    return _bits(loss(model, measured)[0], measured)


@torch.no_grad()
def loss(model: torch.nn.Module, measured: list[Sequence]) -> tuple[float, int]:
    """Nats of all target tokens in `measured`, and how many these are. The model is in evaluation mode afterwards."""
    model.eval()
    device = next(model.parameters()).device
    nats, tokens = 0.0, 0
    for rows in _batches(sorted(measured, key=lambda s: len(s.ids))):
        batch = collate([{"input_ids": s.ids, "start": s.start} for s in rows])
        batch = {key: value.to(device) if isinstance(value, torch.Tensor) else value for key, value in batch.items()}
        tokens += int((batch["labels"][:, 1:] != -100).sum())
        nats += float(target_loss(model, batch, "sum"))
    return nats, tokens


def _bits(nats: float, measured: list[Sequence]) -> float:
    return nats / math.log(2) / max(1, sum(s.characters for s in measured))


def _batches(ordered: list[Sequence]) -> Iterator[list[Sequence]]:
    batch: list[Sequence] = []
    for sequence in ordered:
        if batch and (len(batch) == _ROWS or len(sequence.ids) * (len(batch) + 1) > _TOKENS):
            yield batch
            batch = []
        batch.append(sequence)
    if batch:
        yield batch
