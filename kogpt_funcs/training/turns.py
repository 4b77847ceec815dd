"""Dialogues as token ids, with labels by one of four strategies; it trains nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from kogpt_funcs.models import Example, Special
from kogpt_funcs.models.tokenizers.tokenizer import Tokenizer
from kogpt_funcs.training.dialogue_rows import ASSISTANT, USER
from kogpt_funcs.training.sequences import Sequence, loss, target_loss

#: Which tokens the loss counts, `</s>` always among them. ChatHuman's names: Input, -100, -100+sys, Shift.
Strategy = Literal["input", "last", "all", "shift"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

_FILLER = 0  # an id for the places behind a row's end, which nothing reads


@dataclass(frozen=True)
class Counted:
    """A dialogue's ids, and for each whether the loss counts it."""

    ids: list[int]
    counted: list[bool]


def labelled(example: Example, strategy: Strategy, tokenizer: Tokenizer, length: int) -> Counted:
    """The dialogue with its labels. One longer than `length` tokens loses its first exchanges, then its first tokens.

    input: every token counts; shift: the same behind `<s>`, so that the first mark is learned too; last: only the last
    turn of the assistant counts; all: all of its turns do, but neither their marks nor the user's turns.
    """
    ids = _start(strategy, tokenizer)
    counted = [False] * len(ids)
    turns = _fitting(_encoded(example, tokenizer), length - 1 - len(ids))
    for number, (speaker, text) in enumerate(turns, 1):
        whole = strategy in ("input", "shift")
        said = whole or (speaker == ASSISTANT and (strategy == "all" or number == len(turns)))
        ids += [_mark(speaker, tokenizer), *text]
        counted += [whole] + [said] * len(text)
    return Counted([*ids, tokenizer.end][-length:], [*counted, True][-length:])


def answers(example: Example, strategy: Strategy, tokenizer: Tokenizer, length: int) -> Iterator[Sequence]:
    """Each turn of the assistant behind all that was said before it, for measuring: its own tokens count, no mark, no
    end.

    They are the same tokens whatever the strategy, which decides only whether `<s>` stands in front.
    """
    turns = _encoded(example, tokenizer)
    start = _start(strategy, tokenizer)
    for number, (speaker, text) in enumerate(turns, 1):
        if speaker != ASSISTANT or not text:
            continue
        before = _fitting(turns[:number], length - len(start))[:-1]
        prompt = [i for turn in before for i in (_mark(turn[0], tokenizer), *turn[1])]
        prompt = [*start, *prompt, _mark(ASSISTANT, tokenizer)]
        room = length - len(prompt)
        yield Sequence(prompt + text[:room], len(prompt), len(tokenizer.decode(text[:room]).strip()))


class Dialogues(torch.utils.data.Dataset):
    """Labelled dialogues as Trainer wants them."""

    def __init__(self) -> None:
        self.found: list[Counted] = []

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input_ids": self.found[index].ids, "counted": self.found[index].counted}

    @property
    def lengths(self) -> list[int]:
        return [len(dialogue.ids) for dialogue in self.found]


def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """input_ids, attention_mask and labels [batch, longest]; labels are -100 where the loss does not count, so on
    pads.
    """
    ids = [torch.tensor(row["input_ids"]) for row in rows]
    labels = [i.masked_fill(~torch.tensor(row["counted"]), -100) for i, row in zip(ids, rows, strict=True)]
    mask = [torch.ones_like(i) for i in ids]
    return {"input_ids": _padded(ids, _FILLER), "attention_mask": _padded(mask, 0), "labels": _padded(labels, -100)}


def _padded(rows: list[torch.Tensor], fill: int) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=fill)


class DialogueTask:
    """Dialogues as a task of the training loop, watched by the assistant's turns of held-out ones."""

    def __init__(self, train: Dialogues, held_out: list[Sequence]) -> None:
        self.train, self.held_out = train, held_out
        self.collate = collate

    @property
    def watched(self) -> bool:
        return bool(self.held_out)

    def loss(self, model: Any, batch: dict[str, Any]) -> torch.Tensor:
        return target_loss(model, batch)

    def watch(self, model: Any) -> dict[str, float]:
        nats, tokens = loss(model, self.held_out)
        return {"loss": nats / max(1, tokens)}


def _start(strategy: Strategy, tokenizer: Tokenizer) -> list[int]:
    """What stands in front of a dialogue: `<s>` by "shift", or where the base begins every text with it."""
    return tokenizer.encode([Special("<s>")]) if strategy == "shift" else tokenizer.encode([USER])[:-1]


def _mark(speaker: Special, tokenizer: Tokenizer) -> int:
    return tokenizer.encode([speaker])[-1]


def _encoded(example: Example, tokenizer: Tokenizer) -> list[tuple[Special, list[int]]]:
    pieces = [*example.prompt, example.target]
    found = []
    for speaker, text in zip(pieces[::2], pieces[1::2], strict=True):
        assert isinstance(speaker, Special)
        found.append((speaker, tokenizer.encode([text])))
    return found


def _fitting(turns: list[tuple[Special, list[int]]], length: int) -> list[tuple[Special, list[int]]]:
    """The last exchanges that fit into `length` tokens; of a single one that does not, the user's first tokens go."""

    def size(some: list[tuple[Special, list[int]]]) -> int:
        return sum(1 + len(text) for _, text in some)

    while len(turns) > 2 and size(turns) > length:
        turns = turns[2:]
    excess = size(turns) - length
    return turns if excess <= 0 else [(turns[0][0], turns[0][1][excess:]), *turns[1:]]
