"""Which encoding a text file is in, and opening one that is packed. It knows no table."""

from __future__ import annotations

import codecs
import gzip
import lzma
import re
from pathlib import Path
from typing import IO, Any, NamedTuple

from kogpt_funcs.contract.errors import KogptError

_OPENERS: dict[str, Any] = {"": open, ".gz": gzip.open, ".xz": lzma.open}
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def open_packed(path: Path, packing: str, mode: str = "rb") -> IO[bytes]:
    """`path` opened through gzip or xz where `packing` says so."""
    opened: IO[bytes] = _OPENERS[packing](path, mode)
    return opened


class _Reading(NamedTuple):
    hangul: int
    other: int
    wrong: int


def encoding_of(path: Path, packing: str) -> str:
    """Told by the byte order mark, else by what reads: UTF-8, a UTF-8 with few broken bytes, CP949."""
    with open_packed(path, packing) as file:
        start = file.read(4)
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            return encoding
    try:
        _reading(path, packing, "utf-8", "strict")
        return "utf-8"
    except UnicodeDecodeError:
        utf8, cp949 = (_reading(path, packing, encoding, "replace") for encoding in ("utf-8", "cp949"))
    if utf8.hangul > utf8.wrong:
        return "utf-8"
    if cp949.hangul > cp949.wrong:
        return "cp949"
    if utf8.wrong * 100 <= utf8.other:
        return "utf-8"
    raise KogptError(f"{path} is neither UTF-8 nor CP949 text. Save it as UTF-8.")


def _reading(path: Path, packing: str, encoding: str, errors: str) -> _Reading:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    hangul = other = wrong = 0
    with open_packed(path, packing) as file:
        while chunk := file.read(1 << 20):
            text = decoder.decode(chunk)
            if errors == "strict":
                continue
            korean, bad = len(re.findall("[가-힣]", text)), text.count("\ufffd")
            hangul, other, wrong = hangul + korean, other + len(text) - korean - bad, wrong + bad
    decoder.decode(b"", final=True)
    return _Reading(hangul, other, wrong)
