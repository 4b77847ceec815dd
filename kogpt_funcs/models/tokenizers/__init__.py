"""Text to token ids and back: KoGPT2's vocabulary, Gemma's, or any that transformers reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kogpt_funcs.models.tokenizers.tokenizer import Tokenizer


def read_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of the checkpoint in `folder`. CheckpointError where it is none that prompts can be written in."""
    from kogpt_funcs.models.metadata import read_json
    from kogpt_funcs.models.tokenizers import gemma, kogpt2

    path = folder / "tokenizer.json"
    vocabulary = read_json(path).get("model", {}).get("vocab", {}) if path.is_file() else {}
    return gemma.GemmaTokenizer(path) if "<start_of_turn>" in vocabulary else kogpt2.Tokenizer(path)
