"""Another model's tokenizer, seen as ours: its ids moved up behind KoGPT2's special tokens, its end tokens at </s>'s
id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from kogpt_funcs.models.tokenizers.kogpt2 import END, SPECIALS

_SHIFT = len(SPECIALS)
_UNFINISHED = "\ufffd"  # what a decoder writes for bytes that are no character, or not yet one


class Vocabulary:
    """Encodes, decodes and arranges logits for one checkpoint, so that sampling and endings need not know whose it
    is.
    """

    end, control = END, range(len(SPECIALS))

    def __init__(self, folder: Path, ends: Iterable[int]) -> None:
        from transformers import AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        self._ends = sorted({*ends, self._tokenizer.eos_token_id} - {None})
        self._anchor = self._plain("a")  # decoders drop a blank at the start of a text
        self._anchor_text = self._text(self._anchor)
        newline = self._plain("\n")
        self.newline: int | None = newline[0] + _SHIFT if len(newline) == 1 else None
        self.breaks_word = _Breaks(self)

    @property
    def filler(self) -> int:
        """The model's own id that stands for the end."""
        return self._ends[0] if self._ends else 0

    def encode(self, text: str) -> list[int]:
        """Ids of a text to continue, begun as the model was trained to. What its tokenizer adds at the end is left
        out.
        """
        ids: list[int] = self._tokenizer(text)["input_ids"]
        while ids and ids[-1] in self._ends:
            ids.pop()
        return [i + _SHIFT for i in ids] or [self.filler + _SHIFT]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of `ids`; bytes that are no character, such as the first ones of an unfinished one, are left out."""
        text = self._text([*self._anchor, *(i - _SHIFT for i in ids if i >= _SHIFT)])
        return text[len(self._anchor_text) :].replace(_UNFINISHED, "")

    def own(self, ids: Sequence[int]) -> list[int]:
        """`ids` as the model has them."""
        return [i - _SHIFT if i >= _SHIFT else self.filler for i in ids]

    def arrange(self, logits: torch.Tensor) -> torch.Tensor:
        """The model's logits [rows, its vocabulary] as [rows, ours]: fp32 on the CPU; only text and the end can be
        chosen.
        """
        logits = logits.float().cpu()
        table = torch.full((len(logits), _SHIFT + logits.shape[1]), -torch.inf)
        known = min(len(self._tokenizer), logits.shape[1])
        table[:, _SHIFT : _SHIFT + known] = logits[:, :known]
        table[
            :, [i + _SHIFT for i in {*self._tokenizer.all_special_ids, *self._ends, self.filler} if i < logits.shape[1]]
        ] = -torch.inf
        if ends := [i for i in self._ends if i < logits.shape[1]]:
            table[:, END] = logits[:, ends].amax(1)
        return table

    def _plain(self, text: str) -> list[int]:
        return self._tokenizer(text, add_special_tokens=False)["input_ids"]

    def _text(self, ids: list[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


class _Breaks(dict[int, bool]):
    """For an id: is the word before it complete? Found out when first asked: a vocabulary may have 150,000 entries."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary

    def __missing__(self, token: int) -> bool:
        raw = self._vocabulary._text([*self._vocabulary._anchor, token - _SHIFT])[len(self._vocabulary._anchor_text) :]
        self[token] = not (raw[:1].isalnum() or raw[:1] == _UNFINISHED)
        return self[token]
