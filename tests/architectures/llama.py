"""Llama (Touvron et al. 2023), as somebody would add it: one file in models/networks/."""

from typing import Any

import torch
from torch.nn import functional

from kogpt_funcs.models.networks.architecture import Architecture
from kogpt_funcs.models.networks.torch_network import Pass, TorchNetwork


class Llama(Architecture):
    model_type, blocks = "llama", "model.layers"
    parts = (*(f"self_attn.{p}_proj" for p in "qkvo"), "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
    marks = (("model.norm.weight", 10**6), ("model.embed_tokens.weight", 64))

    def network(self, model: Any, dtype: str, device: torch.device) -> TorchNetwork:
        return LlamaNetwork(model, dtype, device)


class LlamaNetwork(TorchNetwork):
    parts = Llama.parts

    def __init__(self, model: Any, dtype: str, device: torch.device) -> None:
        c, body = model.config, model.model
        super().__init__(model, dtype, device, (c.num_hidden_layers, c.num_key_value_heads, c.head_dim))
        self._linears = [{p: self.linear_of(b.get_submodule(p).weight) for p in self.parts} for b in body.layers]
        self._gains = [
            (self.keep(b.input_layernorm.weight), self.keep(b.post_attention_layernorm.weight)) for b in body.layers
        ]
        self._last, self._look_up = self.keep(body.norm.weight), self.tied(body.embed_tokens.weight)[1]
        self._to_logits, self._epsilon = self.linear_of(model.lm_head.weight), c.rms_norm_eps
        self._angles = 1 / c.rope_parameters["rope_theta"] ** (torch.arange(0, c.head_dim, 2).float() / c.head_dim)

    def _embed(self, step: Pass) -> torch.Tensor:
        both = (step.positions[:, None].float() * self._angles).repeat(1, 2)[:, None]
        self._turn = both.cos().to(self._float), both.sin().to(self._float)
        return self._look_up(step.ids)

    def _block(self, layer: int, x: torch.Tensor, step: Pass) -> torch.Tensor:
        h = self._normed(x, self._gains[layer][0])
        q, k, v = (
            self.linear(layer, f"self_attn.{p}_proj", h, step).view(len(h), -1, self.cache_shape[2]) for p in "qkv"
        )
        x = x + self.linear(
            layer, "self_attn.o_proj", self.attend(layer, self._turned(q), self._turned(k), v, step), step
        )
        h = self._normed(x, self._gains[layer][1])
        inner = functional.silu(self.linear(layer, "mlp.gate_proj", h, step)) * self.linear(
            layer, "mlp.up_proj", h, step
        )
        return x + self.linear(layer, "mlp.down_proj", inner, step)

    def _head(self, x: torch.Tensor) -> torch.Tensor:
        return self._to_logits(self._normed(x, self._last))

    def _normed(self, x: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
        return functional.rms_norm(x, x.shape[-1:], gain, self._epsilon)

    def _turned(self, x: torch.Tensor) -> torch.Tensor:
        left, right = x.chunk(2, -1)
        return x * self._turn[0] + torch.cat([-right, left], -1) * self._turn[1]


ARCHITECTURE = Llama()
