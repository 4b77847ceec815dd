"""GPT-2 (Radford et al. 2019): KoGPT2 and the small base."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.activations import NewGELUActivation

from kogpt_funcs.models.networks.architecture import Architecture, Shape
from kogpt_funcs.models.networks.compiled import CompiledNetwork
from kogpt_funcs.models.networks.network import Network
from kogpt_funcs.models.networks.torch_network import Pass, TorchNetwork

Norm = tuple[torch.Tensor, torch.Tensor, float]


class GPT2(Architecture):
    model_type = "gpt2"
    blocks = "transformer.h"
    parts = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    transposed = True
    marks = (("transformer.ln_f.weight", 10**6), ("transformer.ln_f.bias", 10**6), ("transformer.wte.weight", 64))

    def shape(self, config: Any) -> Shape:
        return Shape(int(config.n_layer), int(config.n_positions), int(config.vocab_size))

    def network(self, model: Any, dtype: str, device: torch.device) -> Network:
        return GPT2Network(model, dtype, device)

    def compiled(self, model: Any) -> Network | None:
        return CompiledNetwork(model) if CompiledNetwork.fits(model.config) else None


class GPT2Network(TorchNetwork):
    parts = GPT2.parts

    def __init__(self, model: Any, dtype: str, device: torch.device) -> None:
        config, body = model.config, model.transformer
        size = config.n_embd // config.n_head
        super().__init__(model, dtype, device, (config.n_layer, config.n_head, size))
        self._scale = None if config.scale_attn_weights else 1.0
        act = body.h[0].mlp.act
        self._activation = nn.GELU("tanh") if isinstance(act, NewGELUActivation) else act  # one operator for eight
        self._norms = [(self._norm_of(block.ln_1), self._norm_of(block.ln_2)) for block in body.h]
        self._last_norm = self._norm_of(body.ln_f)
        for block in body.h:
            layers = {part: block.get_submodule(part) for part in self.parts}
            self._linears.append({part: self.linear_of(layer.weight.T, layer.bias) for part, layer in layers.items()})
        self._positions = self.keep(body.wpe.weight)
        self._to_logits, self._look_up = self.tied(body.wte.weight)

    def _embed(self, step: Pass) -> torch.Tensor:
        return self._look_up(step.ids) + self._positions[step.positions]

    def _block(self, layer: int, x: torch.Tensor, step: Pass) -> torch.Tensor:
        first, second = self._norms[layer]
        _, heads, size = self.cache_shape
        qkv = self.linear(layer, "attn.c_attn", _normed(x, first), step).view(-1, 3, heads, size)
        query, key, value = qkv.unbind(1)
        attended = self.attend(layer, query, key, value, step, scale=self._scale)
        x = x + self.linear(layer, "attn.c_proj", attended, step)
        inner = self._activation(self.linear(layer, "mlp.c_fc", _normed(x, second), step))
        return x + self.linear(layer, "mlp.c_proj", inner, step)

    def _head(self, x: torch.Tensor) -> torch.Tensor:
        return self._to_logits(_normed(x, self._last_norm))

    def _norm_of(self, norm: Any) -> Norm:
        return self.keep(norm.weight), self.keep(norm.bias), norm.eps


def _normed(x: torch.Tensor, norm: Norm) -> torch.Tensor:
    return functional.layer_norm(x, x.shape[-1:], *norm)


ARCHITECTURE = GPT2()
