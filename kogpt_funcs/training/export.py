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
from tokenizers import Tokenizer as FastTokenizer

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models.tokenizers.tokenizer import Tokenizer
from kogpt_funcs.training.loop import main_process_first
from kogpt_funcs.training.starting import Start


def save_base(model: Any, tokenizer: Tokenizer, out: Path) -> None:
    """A full checkpoint: bf16 weights, config, tokenizer. KOGPT_BASE takes its folder."""
    with placed(out) as folder:
        model.to(torch.bfloat16).save_pretrained(folder)
        tokenizer.save(folder / "tokenizer.json")
        _write(folder / "tokenizer_config.json", _tokenizer_config(folder / "tokenizer.json", model.config))


def save_adapter(model: Any, out: Path, begun: Start, figures: dict[str, Any]) -> None:
    """The adapter as PEFT keeps it, in bf16, with base.json naming the weights it fits."""
    base = public_name(begun.base)
    with placed(out) as folder:
        model.to(torch.bfloat16).save_pretrained(str(folder))
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        config["base_model_name_or_path"] = base  # not the path it had on the machine that trained it
        _write(folder / "adapter_config.json", config)
        _write(folder / "base.json", {"base": base, "fingerprint": begun.fingerprint, "figures": figures})
        (folder / "README.md").unlink(missing_ok=True)  # PEFT writes an empty card; ours is written by hand


def save_trained(model: Any, out: Path, begun: Start, *, full: bool, figures: dict[str, Any]) -> None:
    """What a fine-tuning has made: all weights if `full`, else the adapter. Of several processes the first one
    writes.
    """
    with main_process_first() as first:
        if first and full:
            save_base(model, begun.tokenizer, out)
        elif first:
            save_adapter(model, out, begun, figures)


def public_name(base: str) -> str:
    """A base's name without the path that it has on this machine."""
    return Path(base).name if Path(base).expanduser().is_dir() else base


def _tokenizer_config(path: Path, config: Any) -> dict[str, Any]:
    """What transformers must know to read the tokenizer: its control tokens by their parts."""
    fast = FastTokenizer.from_file(str(path))
    ids = {"bos_token": config.bos_token_id, "eos_token": config.eos_token_id, "pad_token": config.pad_token_id}
    ids |= {"unk_token": fast.token_to_id("<unk>"), "mask_token": fast.token_to_id("<mask>")}
    named = {part: fast.id_to_token(i) for part, i in ids.items() if i is not None}
    return {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": config.max_position_embeddings, **named}


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


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
        raise KogptError(
            f"{out} cannot be written: {error.strerror or error}. The run's checkpoints are kept; --resume "
            f"writes it again."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
