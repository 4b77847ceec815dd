"""Trained weights as folders that this project, transformers and PEFT load; each file appears whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models.tokenizers.kogpt2 import SPECIALS, Tokenizer

_NAMED = {"bos_token": 0, "eos_token": 1, "pad_token": 3, "unk_token": 5, "mask_token": 6}


def save_base(model: Any, tokenizer: Tokenizer, out: Path) -> None:
    """A full checkpoint: bf16 weights, config, tokenizer. KOGPT_BASE takes its folder."""
    with placed(out) as folder:
        model.to(torch.bfloat16).save_pretrained(folder)
        tokenizer.save(folder / "tokenizer.json")
        config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": model.config.n_positions}
        config |= {key: SPECIALS[i] for key, i in _NAMED.items()}
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")


def save_adapter(model: Any, out: Path, *, base: str, fingerprint: str, figures: dict[str, Any]) -> None:
    """The adapter as PEFT keeps it, in bf16, with base.json naming the weights it fits."""
    with placed(out) as folder:
        model.to(torch.bfloat16).save_pretrained(str(folder))
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        config["base_model_name_or_path"] = base  # not the path it had on the machine that trained it
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        written = {"base": base, "fingerprint": fingerprint, "figures": figures}
        (folder / "base.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
        (folder / "README.md").unlink(missing_ok=True)  # PEFT writes an empty card; ours is written by hand


def save_trained(
    model: Any, out: Path, *, full: bool, tokenizer: Tokenizer, base: str, fingerprint: str, figures: dict[str, Any]
) -> None:
    """What a fine-tuning of `base` has made: all weights if `full`, else the adapter."""
    if full:
        save_base(model, tokenizer, out)
    else:
        save_adapter(model, out, base=base, fingerprint=fingerprint, figures=figures)


@contextmanager
def placed(out: Path) -> Iterator[Path]:
    """A folder beside `out`, whose files take their places there when all are written."""
    folder = out.with_name(f".{out.name}.new")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        yield folder
        out.mkdir(exist_ok=True)
        for path in folder.iterdir():
            os.replace(path, out / path.name)
    except OSError as error:
        raise KogptError(f"{out} cannot be written: {error.strerror or error}. The run's checkpoints are kept; --resume writes it again.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
