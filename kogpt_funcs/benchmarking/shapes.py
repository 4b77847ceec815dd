"""The checkpoints that are measured: KoGPT2's shape with random weights, the shipped base, or a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models.bases import checkpoints

#: What skt/kogpt2-base-v2 has in its config.json, as far as speed depends on it.
KOGPT2 = {"n_layer": 12, "n_embd": 768, "n_head": 12, "n_positions": 1024, "vocab_size": 51200}
_TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "model_max_length": KOGPT2["n_positions"],
    "bos_token": "<s>",
    "eos_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}


def kogpt2(out: Path, fixture: Path | None = None, **smaller: int) -> Path:
    """Writes a checkpoint of KoGPT2's shape into `out`: random weights of seed 0, and a tokenizer.

    The tokenizer is `fixture`/tokenizer.json, or else the shipped base's, filled up to 51,200 entries that no text
    needs. `smaller` replaces parts of the shape.
    """
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    shape: dict[str, Any] = {**KOGPT2, **smaller}
    out.mkdir(parents=True, exist_ok=True)
    if fixture is None:
        _fill_up(checkpoints.folder("small") / "tokenizer.json", out / "tokenizer.json", shape["vocab_size"])
    elif (fixture / "tokenizer.json").is_file():
        shutil.copy(fixture / "tokenizer.json", out)
    else:
        raise CheckpointError(
            f"{fixture} has no tokenizer.json. --fixture takes a folder with KoGPT2's tokenizer.json, or leave it out."
        )
    torch.manual_seed(0)
    config = GPT2Config(
        **shape, bos_token_id=0, eos_token_id=1, pad_token_id=3, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0
    )
    GPT2LMHeadModel(config).save_pretrained(str(out))
    (out / "tokenizer_config.json").write_text(json.dumps(_TOKENIZER), encoding="utf-8")
    return out


def _fill_up(source: Path, target: Path, size: int) -> None:
    tokenizer = json.loads(source.read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary |= {f"<filler{i}>": i for i in range(len(vocabulary), size)}
    target.write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
