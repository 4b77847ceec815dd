"""Dialogues as token ids, with labels by one of four strategies; it trains nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from kogpt_funcs.korean.text import clean
from kogpt_funcs.models import Example, Special
from kogpt_funcs.models.tokenizers.kogpt2 import END, PAD, SPECIALS, Tokenizer
from kogpt_funcs.training.sequences import Sequence

#: Which tokens the loss counts, `</s>` always among them. ChatHuman's names: Input, -100, -100+sys, Shift.
Strategy = Literal["input", "last", "all", "shift"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

_USER, _ASSISTANT = Special("<usr>"), Special("<sys>")
_START = SPECIALS.index("<s>")
_MARK = re.compile(r"<(usr|sys)>")


def dialogue(row: dict[str, Any]) -> Iterator[Example]:
    """A row has `turns`, a list that the user begins; or `conversation`, a text in which <usr> and <sys> mark the turns.

    The last turn of the assistant is the target, what comes after it is left out.
    """
    turns = _turns(row)
    while turns and turns[-1][0] != _ASSISTANT:
        turns.pop()
    if len(turns) < 2:
        raise ValueError("an answer of the assistant to a turn of the user is wanted")
    pieces: list[Special | str] = [piece for turn in turns for piece in turn]
    yield Example(pieces[:-1], turns[-1][1])


@dataclass(frozen=True)
class Labelled:
    """A dialogue's ids, and for each whether the loss counts it."""

    ids: list[int]
    counted: list[bool]


def labelled(example: Example, strategy: Strategy, tokenizer: Tokenizer, length: int) -> Labelled:
    """The dialogue with its labels. One longer than `length` tokens loses its first exchanges, then its first tokens.

    input: every token counts; shift: the same behind `<s>`, so that the first mark is learned too; last: only the last
    turn of the assistant counts; all: all of its turns do, but neither their marks nor the user's turns.
    """
    turns = _fitting(_encoded(example, tokenizer), length - 1 - (strategy == "shift"))
    ids, counted = ([_START], [False]) if strategy == "shift" else ([], [])
    for number, (speaker, text) in enumerate(turns, 1):
        whole = strategy in ("input", "shift")
        said = whole or (speaker == _ASSISTANT and (strategy == "all" or number == len(turns)))
        ids += [SPECIALS.index(speaker.name), *text]
        counted += [whole] + [said] * len(text)
    return Labelled([*ids, END][-length:], [*counted, True][-length:])


def answers(example: Example, strategy: Strategy, tokenizer: Tokenizer, length: int) -> Iterator[Sequence]:
    """Each turn of the assistant behind all that was said before it, for measuring: its own tokens count, no mark, no end.

    They are the same tokens whatever the strategy, which decides only whether `<s>` stands in front.
    """
    turns = _encoded(example, tokenizer)
    start = [_START] if strategy == "shift" else []
    for number, (speaker, text) in enumerate(turns, 1):
        if speaker != _ASSISTANT or not text:
            continue
        before = _fitting(turns[:number], length - len(start))[:-1]
        prompt = [i for turn in before for i in (SPECIALS.index(turn[0].name), *turn[1])]
        prompt = [*start, *prompt, SPECIALS.index("<sys>")]
        room = length - len(prompt)
        yield Sequence(prompt + text[:room], len(prompt), len(tokenizer.decode(text[:room]).strip()))


class Dialogues(torch.utils.data.Dataset):
    """Labelled dialogues as Trainer wants them."""

    def __init__(self) -> None:
        self.found: list[Labelled] = []

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input_ids": self.found[index].ids, "counted": self.found[index].counted}

    @property
    def lengths(self) -> list[int]:
        return [len(dialogue.ids) for dialogue in self.found]


def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """input_ids, attention_mask and labels [batch, longest]; labels are -100 where the loss does not count, so on pads."""
    ids = [torch.tensor(row["input_ids"]) for row in rows]
    labels = [i.masked_fill(~torch.tensor(row["counted"]), -100) for i, row in zip(ids, rows, strict=True)]
    mask = [torch.ones_like(i) for i in ids]
    return {"input_ids": _padded(ids, PAD), "attention_mask": _padded(mask, 0), "labels": _padded(labels, -100)}


def _padded(rows: list[torch.Tensor], fill: int) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=fill)


def _turns(row: dict[str, Any]) -> list[tuple[Special, str]]:
    if row.get("conversation") is not None:
        _, *parts = _MARK.split(str(row["conversation"]))
        said = [(_USER if mark == "usr" else _ASSISTANT, text) for mark, text in zip(parts[::2], parts[1::2], strict=True)]
    else:
        given = row["turns"]
        if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
            raise ValueError("`turns` is to be a list of texts")
        said = [(_ASSISTANT if i % 2 else _USER, text) for i, text in enumerate(given)]
    said = [(speaker, " ".join(clean(text).split())) for speaker, text in said]
    if any(not text for _, text in said):
        raise ValueError("a turn is empty")
    while said and said[0][0] != _USER:
        said.pop(0)
    return _joined(said)


def _joined(said: list[tuple[Special, str]]) -> list[tuple[Special, str]]:
    """Turns that follow each other from the same mouth are one."""
    turns: list[tuple[Special, str]] = []
    for speaker, text in said:
        if turns and turns[-1][0] == speaker:
            text = f"{turns.pop()[1]} {text}"
        turns.append((speaker, text))
    return turns


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
