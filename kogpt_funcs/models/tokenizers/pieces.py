"""From a byte-pair vocabulary's pieces to text, as SentencePiece-like tokenizers keep them: ▁ for blanks, <0x0A> for
bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

BYTE = re.compile(r"<0x([0-9A-F]{2})>")


def text_of(pieces: Iterable[str]) -> str:
    """The text of `pieces`; an unfinished character at the end is held back."""
    raw = bytearray()
    for piece in pieces:
        match = BYTE.fullmatch(piece)
        raw += bytes([int(match[1], 16)]) if match else piece.replace("▁", " ").encode()
    return bytes(raw).decode("utf-8", errors="ignore")


def begins_word(piece: str) -> bool:
    """Is the word before `piece` complete?"""
    return not (piece[:1].isalnum() or BYTE.match(piece))
