"""A base of 2 layers × 32 with the shipped tokenizer, and rows to train it on: real, and small enough to train in a
second.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from package_copy import ROOT
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, GPT2Config, GPT2LMHeadModel

from kogpt_funcs.models.bases.gemma import vocabulary
from kogpt_funcs.training.finetuning import Options, finetune
from kogpt_funcs.training.sources import Source

WHO = ["고양이", "친구", "가수", "선생님", "할머니"]
WHERE = ["학교에서", "집에서", "바다에서"]


def tiny_base(folder: Path, architecture: str = "gpt2", **config: Any) -> Path:
    """A checkpoint folder with random weights; the tokenizer is that of the base of this architecture."""
    torch.manual_seed(1)
    if architecture == "gemma3_text":
        return _tiny_gemma(folder)
    shape = {"vocab_size": 8192, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2}
    GPT2LMHeadModel(GPT2Config(**(shape | config), bos_token_id=0, eos_token_id=1, pad_token_id=3)).save_pretrained(
        folder
    )
    shutil.copy(ROOT / "weights" / "small" / "tokenizer.json", folder)
    return folder


def _tiny_gemma(folder: Path) -> Path:
    entries = vocabulary.entries()
    config = Gemma3TextConfig(
        vocab_size=len(entries),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        sliding_window=16,
        layer_types=["sliding_attention", "full_attention"],
        max_position_embeddings=64,
        query_pre_attn_scalar=16,
        bos_token_id=2,
        eos_token_id=1,
        pad_token_id=0,
    )
    Gemma3ForCausalLM(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(json.dumps(vocabulary.tokenizer(entries)), encoding="utf-8")
    return folder


def songs(path: Path, rows: int = 150) -> Path:
    """S1's columns, `score,genre,sent`: short and long texts."""
    lines = [
        f"{i % 5},발라드,{WHERE[i % 3]} {WHO[i % 5]}가 노래를 불렀다 {i}번." + " 참 좋았다." * (i % 4)
        for i in range(rows)
    ]
    path.write_text("\n".join(["score,genre,sent", *lines]) + "\n", encoding="utf-8")
    return path


def trained(folder: Path, data: Path, run: str = "run", mode: Any = "new", **options: Any) -> dict[str, Any]:
    """The figures of `continue_text` fine-tuned on songs in folder/RUN, written to folder/RUN-out; the base is
    folder/base.
    """
    chosen = Options(**{"batch_size": 8, "epochs": 2, **options})
    source = Source(data, {"text": "sent"} if data.suffix == ".csv" else {})
    return finetune(
        "continue_text",
        [source],
        base=str(folder / "base"),
        run=folder / run,
        out=folder / f"{run}-out",
        options=chosen,
        mode=mode,
    )
