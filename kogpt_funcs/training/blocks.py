"""Examples as blocks of token ids: documents packed so that a block begins where a document does."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kogpt_funcs.contract.files import written_whole
from kogpt_funcs.models import Example
from kogpt_funcs.models.tokenizers.kogpt2 import END, PAD, Tokenizer

_OPEN_BLOCKS = 64  # how many unfinished blocks wait for a document that fits


@dataclass(frozen=True)
class Packed:
    """Blocks of ids. `counted` marks the target tokens; `characters` is how many characters these spell."""

    ids: np.ndarray  # [blocks, length] uint16, PAD where a block is not full
    counted: np.ndarray  # [blocks, length] bool
    characters: int

    def save(self, path: Path) -> None:
        with written_whole(path) as unfinished, unfinished.open("wb") as file:
            np.savez(file, ids=self.ids, counted=self.counted, characters=self.characters)

    @classmethod
    def load(cls, path: Path) -> Packed:
        with np.load(path) as file:
            return cls(file["ids"], file["counted"], int(file["characters"]))


def pack(examples: Iterable[Example], tokenizer: Tokenizer, length: int) -> Packed:
    """Best-fit packing: each document goes to the fullest open block that still holds it; longer ones are cut."""
    ids: list[array[int]] = []
    counted: list[bytearray] = []
    blocks: list[tuple[int, int]] = []  # heap of (-used, index) of the open blocks
    characters = 0
    for example in examples:
        characters += len(example.target)
        for piece, mask in _pieces(example, tokenizer, length):
            index = _place(blocks, len(piece), length)
            if index is None:
                index = len(ids)
                ids.append(array("H"))
                counted.append(bytearray())
            ids[index].extend(piece)
            counted[index].extend(mask)
            if len(ids[index]) < length:
                heapq.heappush(blocks, (-len(ids[index]), index))
            while len(blocks) > _OPEN_BLOCKS:
                heapq.heappop(blocks)  # the fullest one is closed
    return Packed(_matrix(ids, length, PAD, np.uint16), _matrix(counted, length, False, np.bool_), characters)


def _pieces(example: Example, tokenizer: Tokenizer, length: int) -> Iterator[tuple[list[int], list[bool]]]:
    prompt = tokenizer.encode(example.prompt)
    target = [*tokenizer.encode([example.target]), END]
    ids, mask = prompt + target, [False] * len(prompt) + [True] * len(target)
    for start in range(0, len(ids), length):
        yield ids[start : start + length], mask[start : start + length]


def _place(blocks: list[tuple[int, int]], size: int, length: int) -> int | None:
    tried = []
    found = None
    while blocks:
        used, index = heapq.heappop(blocks)
        if -used + size <= length:
            found = index
            break
        tried.append((used, index))
    for entry in tried:
        heapq.heappush(blocks, entry)
    return found


def _matrix(rows: Sequence[array[int] | bytearray], length: int, fill: int | bool, dtype: type) -> np.ndarray:
    matrix: np.ndarray = np.full((len(rows), length), fill, dtype)
    for i, row in enumerate(rows):
        matrix[i, : len(row)] = row
    return matrix
