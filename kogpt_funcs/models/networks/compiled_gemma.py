"""Gemma 3 (text) by the kernels in C."""

from __future__ import annotations

from ctypes import c_float
from typing import Any

import torch

from kogpt_funcs.models.networks.compiled_base import COLUMNS, Compiled
from kogpt_funcs.models.networks.compiled_structures import Heads, Layer, Linear, Model, pointer
from kogpt_funcs.models.networks.kernels import library

_GEMMA3 = 1  # decoder.c
_FULL, _SLIDING = "full_attention", "sliding_attention"
_POSITIONS = 1024  # the tables of positions begin with so many


class CompiledGemma(Compiled):
    """Gemma 3 in int8."""

    @staticmethod
    def fits(config: Any) -> bool:
        """Can this machine run this shape? Widths and heads' sizes must be multiples of 32."""
        widths = (config.hidden_size, config.intermediate_size, config.head_dim)
        return all(width % COLUMNS == 0 for width in widths) and _plain(config) and library() is not None

    def __init__(self, model: Any, kernels: Any = None) -> None:
        super().__init__(kernels)
        config, body = model.config, model.model
        self._angles = {kind: _frequencies(config, kind) for kind in (_FULL, _SLIDING)}
        self._kinds = config.layer_types
        self._turns: dict[str, torch.Tensor] = {}
        layers = (Layer * config.num_hidden_layers)()
        for layer, block, kind in zip(layers, body.layers, self._kinds, strict=True):
            self._describe(layer, block, config.sliding_window if kind == _SLIDING else 0)
        heads, shared = config.num_attention_heads, config.num_attention_heads // config.num_key_value_heads
        described = Model(
            architecture=_GEMMA3,
            width=config.hidden_size,
            inner=config.intermediate_size,
            by=Heads(heads, shared, config.head_dim, config.query_pre_attn_scalar**-0.5),
            epsilon=config.rms_norm_eps,
            embedding=config.hidden_size**0.5,
        )
        described.norm[0] = self._floats(body.norm.weight + 1)
        self._set(described, body.embed_tokens.weight, layers)
        self._prepare(_POSITIONS)

    def _describe(self, layer: Layer, block: Any, window: int) -> None:
        attention, mlp = block.self_attn, block.mlp
        norms = (
            block.input_layernorm,
            block.pre_feedforward_layernorm,
            block.post_attention_layernorm,
            block.post_feedforward_layernorm,
            attention.q_norm,
            attention.k_norm,
        )
        for i, norm in enumerate(norms):  # gemma3.h's order; they are kept as what they differ from 1 by
            layer.norm[i] = self._floats(norm.weight + 1)
        linears = (
            (attention.q_proj, attention.k_proj, attention.v_proj),
            (attention.o_proj,),
            (mlp.gate_proj, mlp.up_proj),
            (mlp.down_proj,),
        )
        layer.linear = (Linear * 4)(*(self._linear([(part.weight, None) for part in parts]) for parts in linears))
        layer.window = window

    def _prepare(self, length: int) -> None:
        if self._turns and length <= len(self._turns[_FULL]):
            return
        positions = torch.arange(max(_POSITIONS, 1 << (length - 1).bit_length())).float()
        for kind, frequencies in self._angles.items():
            angles = torch.outer(positions, frequencies)
            self._turns[kind] = torch.cat([angles.cos(), angles.sin()], 1).contiguous()
        for layer, kind in zip(self._layers, self._kinds, strict=True):
            layer.turns = pointer(self._turns[kind], c_float)


def _frequencies(config: Any, kind: str) -> torch.Tensor:
    """Radians a token of each pair of a head's entries (RoPE, Su et al. 2021)."""
    pairs = torch.arange(0, config.head_dim, 2).float() / config.head_dim
    return 1.0 / float(config.rope_parameters[kind]["rope_theta"]) ** pairs


def _plain(config: Any) -> bool:
    """Gemma 3 as published: the switches that other checkpoints of its family set are off."""
    return bool(
        config.tie_word_embeddings
        and not config.attention_bias
        and config.hidden_activation == "gelu_pytorch_tanh"
        and config.attn_logit_softcapping is None
        and config.final_logit_softcapping is None
        and not config.use_bidirectional_attention
        and set(config.layer_types) <= {_FULL, _SLIDING}
        and all(config.rope_parameters[kind]["rope_type"] == "default" for kind in (_FULL, _SLIDING))
    )
