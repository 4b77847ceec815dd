"""Gemma's vocabulary cut to what Korean text uses: which entries stay, and the tokenizer that they make."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_LIST = Path(__file__).with_name("entries.tsv")
#: Of Gemma's 262,144 entries: control tokens, a line break, and what stands for single bytes. They always stay.
_CONTROL, _NEWLINE, _BYTES = range(107), 107, range(238, 494)
_LEAST = 2  # times that an entry must be seen


class Entry(NamedTuple):
    id: int  # in Gemma's own vocabulary
    piece: str


@cache
def entries() -> tuple[Entry, ...]:
    """The entries that stay, in Gemma's order: `kogpt prepare --entries` wrote them down."""
    lines = _LIST.read_text("utf-8").splitlines()
    return tuple(Entry(int(number), json.loads(piece)) for number, piece in (line.split("\t") for line in lines))


def write_entries(kept: Iterable[Entry], out: Path = _LIST) -> None:
    out.write_text("".join(f"{e.id}\t{json.dumps(e.piece, ensure_ascii=False)}\n" for e in kept), "utf-8")


def chosen(pieces: list[str], seen: Mapping[int, int]) -> list[Entry]:
    """What stays of Gemma's `pieces` for text whose tokens were `seen` so often.

    Control tokens, bytes, ASCII, every Hangul syllable and jamo that is an entry, what was seen twice, and the
    entries that byte-pair merges pass through on the way to those.
    """
    ids = {piece: i for i, piece in enumerate(pieces)}
    letters = [*map(chr, range(32, 127)), *map(chr, range(0x3131, 0x318F)), *map(chr, range(0xAC00, 0xD7A4)), "▁"]
    kept = {i for i, times in seen.items() if times >= _LEAST and not _blank_lines(pieces[i])}
    kept |= {*_CONTROL, _NEWLINE, *_BYTES, *(ids[letter] for letter in letters if letter in ids)} - {5}
    for i in sorted(kept - {*_CONTROL, *_BYTES}):
        kept |= {ids[piece] for piece in _on_the_way(pieces[i], ids) if piece in ids}
    return [Entry(i, pieces[i]) for i in sorted(kept)]


def tokenizer(kept: Iterable[Entry]) -> dict[str, Any]:
    """A tokenizer.json of these entries: byte-pair merges in Gemma's order, blanks as ▁, bytes for what is no entry."""
    kept = list(kept)
    ids = {entry.piece: i for i, entry in enumerate(kept)}
    control = [entry.piece for entry in kept if entry.id in _CONTROL]
    merged = [entry for entry in kept if len(entry.piece) > 1 and entry.id not in _CONTROL and entry.id not in _BYTES]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "post_processor": None,
        "added_tokens": [
            {
                "id": ids[name],
                "content": name,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for name in control
        ],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"String": " "},
            "behavior": "MergedWithPrevious",
            "invert": False,
        },
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
            ],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": ids,
            "merges": [pair for entry in merged for pair in _merges(entry.piece, ids)],
        },
    }


def count(texts: Iterable[str], gemma: dict[str, Any]) -> Counter[int]:
    """How often each entry of the whole tokenizer `gemma` (a tokenizer.json) is seen in `texts`."""
    from tokenizers import Tokenizer

    whole, seen = Tokenizer.from_str(json.dumps(gemma)), Counter[int]()
    for text in texts:
        seen.update(whole.encode(text, add_special_tokens=False).ids)
    return seen


def _merges(piece: str, ids: Mapping[str, int]) -> list[list[str]]:
    """The pairs that make `piece`, as transformers derives them from a vocabulary that lists no merges."""
    pairs = [[piece[:k], piece[k:]] for k in range(1, len(piece)) if piece[:k] in ids and piece[k:] in ids]
    return sorted(pairs, key=lambda pair: (ids[pair[0]], ids[pair[1]]))


def _on_the_way(piece: str, ids: Mapping[str, int]) -> list[str]:
    """Letters and intermediate pieces through which byte-pair encoding reaches `piece`: the lowest id is merged
    first.
    """
    parts, passed = list(piece), list(piece)
    while len(parts) > 1:
        rank, at = min((ids.get(parts[i] + parts[i + 1], len(ids)), i) for i in range(len(parts) - 1))
        if rank == len(ids):
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
        passed.append(parts[at])
    return passed


def _blank_lines(piece: str) -> bool:
    # A text's blank lines are read as single line breaks, so that whoever ends a sample at one sees them all.
    return len(piece) > 1 and not piece.strip("\n")
