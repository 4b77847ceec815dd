"""Gemma 3's text model (Gemma Team 2025): one key-value head, norms on both sides, windows in five of six layers."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from kogpt_funcs.models.networks.architecture import Architecture
from kogpt_funcs.models.networks.compiled_gemma import CompiledGemma
from kogpt_funcs.models.networks.network import Network
from kogpt_funcs.models.networks.torch_network import Pass, TorchNetwork

_NORMS = ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm")


class Gemma3(Architecture):
    model_type = "gemma3_text"
    blocks = "model.layers"
    parts = (
        "self_attn.q_proj",
        "self_attn.k_proj",
        "self_attn.v_proj",
        "self_attn.o_proj",
        "mlp.gate_proj",
        "mlp.up_proj",
        "mlp.down_proj",
    )
    dtype = "fp32"  # its activations have outliers, which cost torch's int8 three per cent of bits a character
    # Norms alone: they are the same in every quantisation of the weights, and whatever the vocabulary is cut to.
    marks = (("model.norm.weight", 10**6), ("model.layers.0.input_layernorm.weight", 10**6))

    def network(self, model: Any, dtype: str, device: torch.device) -> Network:
        return Gemma3Network(model, dtype, device)

    def compiled(self, model: Any) -> Network | None:
        return CompiledGemma(model) if CompiledGemma.fits(model.config) else None


class Gemma3Network(TorchNetwork):
    parts = Gemma3.parts

    def __init__(self, model: Any, dtype: str, device: torch.device) -> None:
        config, body = model.config.get_text_config(), model.model
        shape = (config.num_hidden_layers, config.num_key_value_heads, config.head_dim)
        super().__init__(model, dtype, device, shape)
        self._heads, self._epsilon = config.num_attention_heads, config.rms_norm_eps
        self._scale = config.query_pre_attn_scalar**-0.5
        self._kinds = list(config.layer_types)
        self._window = int(config.sliding_window)
        self._frequencies = {kind: _frequencies(config, kind, device) for kind in set(self._kinds)}
        for block in body.layers:
            layers = {part: block.get_submodule(part) for part in self.parts}
            self._linears.append({part: self.linear_of(layer.weight, layer.bias) for part, layer in layers.items()})
        self._norms = [[self._gain(getattr(block, name)) for name in _NORMS] for block in body.layers]
        self._query_key = [(self._gain(b.self_attn.q_norm), self._gain(b.self_attn.k_norm)) for b in body.layers]
        self._last_norm = self._gain(body.norm)
        self._to_logits, self._look_up = self.tied(body.embed_tokens.weight)
        self._embedding_scale = torch.tensor(config.hidden_size**0.5).to(self._float)

    def _embed(self, step: Pass) -> torch.Tensor:
        self._rotations = {kind: self._rotation(step.positions, kind) for kind in self._frequencies}
        return self._look_up(step.ids) * self._embedding_scale

    def _block(self, layer: int, x: torch.Tensor, step: Pass) -> torch.Tensor:
        before, after, before_inner, after_inner = self._norms[layer]
        x = x + self._normed(self._attention(layer, self._normed(x, before), step), after)
        h = self._normed(x, before_inner)
        gate = functional.gelu(self.linear(layer, "mlp.gate_proj", h, step), approximate="tanh")
        inner = gate * self.linear(layer, "mlp.up_proj", h, step)
        return x + self._normed(self.linear(layer, "mlp.down_proj", inner, step), after_inner)

    def _attention(self, layer: int, h: torch.Tensor, step: Pass) -> torch.Tensor:
        _, heads, size = self.cache_shape
        kind = self._kinds[layer]
        query = self.linear(layer, "self_attn.q_proj", h, step).view(-1, self._heads, size)
        key = self.linear(layer, "self_attn.k_proj", h, step).view(-1, heads, size)
        value = self.linear(layer, "self_attn.v_proj", h, step).view(-1, heads, size)
        gains = self._query_key[layer]
        query, key = (
            _rotated(self._normed(x, g), self._rotations[kind]) for x, g in zip((query, key), gains, strict=True)
        )
        window = self._window if kind == "sliding_attention" else 0
        attended = self.attend(layer, query, key, value, step, scale=self._scale, window=window)
        return self.linear(layer, "self_attn.o_proj", attended, step)

    def _head(self, x: torch.Tensor) -> torch.Tensor:
        return self._to_logits(self._normed(x, self._last_norm))

    def _gain(self, norm: Any) -> torch.Tensor:
        """Gemma keeps a norm's weights less one."""
        return self.keep(1.0 + norm.weight.float())

    def _normed(self, x: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
        return functional.rms_norm(x, x.shape[-1:], gain, self._epsilon)

    def _rotation(self, positions: torch.Tensor, kind: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and sines [tokens, 1, size] of rotary positions (Su et al. 2021)."""
        angles = positions[:, None].float() * self._frequencies[kind][None]
        both = torch.cat([angles, angles], -1)[:, None]
        return both.cos().to(self._float), both.sin().to(self._float)


def _frequencies(config: Any, kind: str, device: torch.device) -> torch.Tensor:
    theta = config.rope_parameters[kind]["rope_theta"]
    return 1.0 / theta ** (torch.arange(0, config.head_dim, 2, device=device).float() / config.head_dim)


def _rotated(x: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    cosine, sine = rotation
    left, right = x.chunk(2, -1)
    return x * cosine + torch.cat([-right, left], -1) * sine


ARCHITECTURE = Gemma3()
