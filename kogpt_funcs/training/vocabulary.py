"""Trains the byte-pair vocabulary of a base: KoGPT2's special tokens at KoGPT2's ids, then pieces of Korean."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as FastTokenizer

from kogpt_funcs.models.tokenizers.kogpt2 import NEWLINE, SPECIALS


def train_vocabulary(texts: Iterable[str], size: int, path: Path) -> None:
    """Writes a `tokenizer.json` of `size` entries (BPE with byte fallback, metaspace) learned from `texts`."""
    tokenizer = FastTokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(), decoders.Fuse()])
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=[*SPECIALS, NEWLINE, *(f"<0x{i:02X}>" for i in range(256))],
            limit_alphabet=1900,  # the Hangul syllables in use, jamo, Latin, digits, marks; the rest is spelt in bytes
            max_token_length=8,
            show_progress=False,
        ),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    _unflag_bytes(tokenizer, path)


def _unflag_bytes(tokenizer: FastTokenizer, path: Path) -> None:
    # The trainer marks all its special tokens as added tokens; bytes must be plain vocabulary to be a fallback,
    # and the line break is text.
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = [t for t in state["added_tokens"] if t["content"] in SPECIALS]
    fixed = FastTokenizer.from_str(json.dumps(state, ensure_ascii=False))
    fixed.add_tokens([AddedToken(NEWLINE, special=False, normalized=False)])
    fixed.save(str(path))
