"""Any function's adapter: held-out bits per character of its targets, beside those of the bare base."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from peft import PeftModel
from transformers import GPT2LMHeadModel

from kogpt_funcs import settings
from kogpt_funcs.errors import CheckpointError, KogptError
from kogpt_funcs.models import checkpoints
from kogpt_funcs.models.language_model import device
from kogpt_funcs.models.tokenizer import Tokenizer
from kogpt_funcs.training import corpus, sequences
from kogpt_funcs.training.evaluation import rows
from kogpt_funcs.training.evaluation.report import Figures
from kogpt_funcs.training.evaluation.rows import Asked

_MOST = 300  # examples; enough to tell an adapter from its base


def measure(asked: Asked) -> Figures:
    return {"function": asked.function, **bits_per_character(asked)}


def bits_per_character(asked: Asked) -> Figures:
    """Bits per character of at most 300 held-out targets, by the base alone and with the adapter, in fp32."""
    held_out = [example for is_test, example in corpus.examples(asked.function, asked.sources, seed=asked.seed) if is_test]
    if not held_out:
        raise KogptError(f"No held-out example in {asked.names}: about 1 row in 50 is held out. Give more rows.")
    folder = checkpoints.folder(settings.base())
    model: Any = GPT2LMHeadModel.from_pretrained(str(folder), dtype=torch.float32).to(device())
    chosen = rows.draw(held_out, min(asked.limit or _MOST, _MOST), asked.seed)
    found = sequences.sequences(chosen, Tokenizer(folder / "tokenizer.json"), model.config.n_positions)
    alone = sequences.bits_per_character(model, found)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT warns of what transformers is about to rename
        adapted = PeftModel.from_pretrained(model, str(_adapter(asked.function, model)))
    return {
        "base": checkpoints.slug(settings.base()),
        "bits_per_character": {
            "base alone": {"examples": len(found), "bits": round(alone, 4)},
            "with the adapter": {"examples": len(found), "bits": round(sequences.bits_per_character(adapted, found), 4)},
        },
    }


def _adapter(function: str, model: torch.nn.Module) -> Any:
    folder = checkpoints.adapter_folder(function, settings.base())
    if folder is None:
        raise CheckpointError(f"No adapter {function!r} for base {checkpoints.slug(settings.base())!r}. Train it: kogpt train {function} --data FILE")
    if checkpoints.read_json(folder / "base.json").get("fingerprint") != checkpoints.fingerprint(model):
        raise CheckpointError(f"The adapter {function!r} was trained on other weights than this base has. Train it again: kogpt train {function} --data FILE")
    return folder
