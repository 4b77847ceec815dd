"""A checkpoint as GGUF, llama.cpp's format: GPT-2's and Gemma 3's matrices in q8_0, norms and biases in fp32."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

_GPT2 = {
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
    "ln_1": "attn_norm",
    "ln_2": "ffn_norm",
}
_GEMMA3 = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


def write_gguf(folder: Path, file: Path) -> int:
    """Writes the checkpoint in `folder` as GGUF; returns its context in tokens. ValueError where llama.cpp is told of
    no such architecture here. The vocabulary is numbers: no text is read from the file.
    """
    import gguf
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32)
    kind = model.config.model_type
    if kind not in ("gpt2", "gemma3_text"):
        raise ValueError(f"no GGUF is written of architecture {kind}")
    writer = gguf.GGUFWriter(str(file), "gpt2" if kind == "gpt2" else "gemma3")
    context = (_describe_gpt2 if kind == "gpt2" else _describe_gemma3)(writer, model.config)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([f"t{i}" for i in range(model.config.vocab_size)])
    writer.add_token_types([gguf.TokenType.NORMAL] * model.config.vocab_size)
    writer.add_token_merges(["t 0"])
    writer.add_eos_token_id(model.config.eos_token_id)
    for name, values in _gpt2_tensors(model.transformer) if kind == "gpt2" else _gemma3_tensors(model.model):
        if values.ndim == 2 and not name.startswith("position"):
            q8 = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(values, q8), raw_dtype=q8)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return context


def _describe_gpt2(writer: Any, config: Any) -> int:
    writer.add_block_count(config.n_layer)
    writer.add_context_length(config.n_positions)
    writer.add_embedding_length(config.n_embd)
    writer.add_feed_forward_length(config.n_inner or 4 * config.n_embd)
    writer.add_head_count(config.n_head)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)
    return int(config.n_positions)


def _describe_gemma3(writer: Any, config: Any) -> int:
    """llama.cpp itself knows that every sixth layer sees all, and the others' rotary base."""
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["full_attention"]["rope_theta"])
    writer.add_sliding_window(config.sliding_window)
    return int(config.max_position_embeddings)


def _gpt2_tensors(body: Any) -> Iterator[tuple[str, np.ndarray]]:
    """llama.cpp's names, and the values row by row of outputs."""
    yield "token_embd.weight", _values(body.wte.weight)
    yield "position_embd.weight", _values(body.wpe.weight)
    for i, block in enumerate(body.h):
        for ours, theirs in _GPT2.items():
            module = block.get_submodule(ours)
            weight = module.weight.T if module.weight.ndim == 2 else module.weight
            yield f"blk.{i}.{theirs}.weight", _values(weight)
            yield f"blk.{i}.{theirs}.bias", _values(module.bias)
    for side in ("weight", "bias"):
        yield f"output_norm.{side}", _values(getattr(body.ln_f, side))


def _gemma3_tensors(body: Any) -> Iterator[tuple[str, np.ndarray]]:
    """The same; a norm's weights are kept as what they differ from 1 by, and llama.cpp wants them whole."""
    yield "token_embd.weight", _values(body.embed_tokens.weight)
    for i, block in enumerate(body.layers):
        for ours, theirs in _GEMMA3.items():
            weight = block.get_submodule(ours).weight
            yield f"blk.{i}.{theirs}.weight", _values(weight if weight.ndim == 2 else weight + 1)
    yield "output_norm.weight", _values(body.norm.weight + 1)


def _values(tensor: Any) -> np.ndarray:
    values: np.ndarray = tensor.detach().contiguous().numpy()
    return values
