"""Gemma's weights in the shape that transformers loads, with only the rows of the entries that stay."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

#: GGUF's names of a block's tensors → transformers'.
_LINEAR = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_NORMS = {
    "attn_norm": "input_layernorm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
}
_LAYERS = 18
_EMBEDDING = "model.embed_tokens.weight"


def config(vocabulary: int) -> dict[str, Any]:
    """config.json of Gemma 3 270M with `vocabulary` entries, the control tokens first."""
    return {
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "vocab_size": vocabulary,
        "hidden_size": 640,
        "intermediate_size": 2048,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 256,
        "hidden_activation": "gelu_pytorch_tanh",
        "rms_norm_eps": 1e-6,
        "max_position_embeddings": 32768,
        "query_pre_attn_scalar": 256,
        "sliding_window": 512,
        "layer_types": ["full_attention" if i % 6 == 5 else "sliding_attention" for i in range(_LAYERS)],
        "rope_parameters": {
            "full_attention": {"rope_theta": 1_000_000.0, "rope_type": "default"},
            "sliding_attention": {"rope_theta": 10_000.0, "rope_type": "default"},
        },
        "tie_word_embeddings": True,
        "attention_bias": False,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
        "dtype": "float16",
    }


def of_gguf(
    path: Path, rows: Sequence[int], progress: Callable[[float], None] = lambda share: None
) -> dict[str, np.ndarray]:
    """The tensors of the GGUF file as fp16; of the embeddings, the rows of these ids alone."""
    from gguf import GGUFReader, dequantize

    tensors = {tensor.name: tensor for tensor in GGUFReader(path).tensors}

    def read(name: str, only: np.ndarray | None = None) -> np.ndarray:
        tensor = tensors[name]
        return dequantize(tensor.data if only is None else tensor.data[only], tensor.tensor_type)

    found: dict[str, np.ndarray] = {
        _EMBEDDING: read("token_embd.weight", np.asarray(rows)).astype(np.float16),
        "model.norm.weight": (read("output_norm.weight") - 1).astype(np.float32),
    }
    for layer in range(_LAYERS):
        for theirs, ours in _LINEAR.items():
            found[f"model.layers.{layer}.{ours}.weight"] = read(f"blk.{layer}.{theirs}.weight").astype(np.float16)
        for theirs, ours in _NORMS.items():  # GGUF keeps them with 1 added
            found[f"model.layers.{layer}.{ours}.weight"] = (read(f"blk.{layer}.{theirs}.weight") - 1).astype(np.float32)
        progress((layer + 1) / _LAYERS)
    return found


def of_folder(folder: Path, rows: Sequence[int]) -> dict[str, np.ndarray]:
    """The same of a checkpoint of the whole model, as the hub has it."""
    from safetensors.torch import load_file

    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        for name, tensor in load_file(path).items():
            kept = tensor[list(rows)] if name == _EMBEDDING else tensor
            found[name] = kept.float().numpy().astype(np.float32 if "norm" in name else np.float16)
    return found


def save(tensors: dict[str, np.ndarray], tokenizer: dict[str, Any], folder: Path) -> None:
    """A checkpoint folder that transformers loads."""
    from safetensors.numpy import save_file

    vocabulary = len(tokenizer["model"]["vocab"])
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    _write(folder / "config.json", config(vocabulary))
    _write(folder / "tokenizer.json", tokenizer)
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<bos>",
            "eos_token": "<eos>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "model_max_length": 32768,
        },
    )


def _write(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
