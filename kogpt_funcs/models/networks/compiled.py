"""GPT-2 by the kernels in C."""

from __future__ import annotations

from typing import Any

from kogpt_funcs.models.networks.compiled_base import Compiled
from kogpt_funcs.models.networks.compiled_structures import Heads, Layer, Linear, Model
from kogpt_funcs.models.networks.kernels import library

_GPT2 = 0  # decoder.c


class CompiledNetwork(Compiled):
    """GPT-2 in int8."""

    @staticmethod
    def fits(config: Any) -> bool:
        """Can this machine run this shape? Widths must be multiples of 32, heads' sizes of 16."""
        return (
            config.n_embd % 32 == 0
            and (config.n_embd // config.n_head) % 16 == 0
            and config.activation_function == "gelu_new"
            and _plain(config)
            and library() is not None
        )

    def __init__(self, model: Any, kernels: Any = None) -> None:
        super().__init__(kernels)
        config, body = model.config, model.transformer
        layers = (Layer * config.n_layer)()
        for layer, block in zip(layers, body.h, strict=True):
            for i, norm in enumerate((block.ln_1, block.ln_2)):
                layer.norm[2 * i], layer.norm[2 * i + 1] = self._floats(norm.weight), self._floats(norm.bias)
            parts = (block.attn.c_attn, block.attn.c_proj, block.mlp.c_fc, block.mlp.c_proj)
            layer.linear = (Linear * 4)(*(self._linear([(part.weight.T, part.bias)]) for part in parts))
        size = config.n_embd // config.n_head
        described = Model(
            architecture=_GPT2,
            width=config.n_embd,
            inner=layers[0].linear[2].outputs,
            by=Heads(config.n_head, 1, size, size**-0.5),
            epsilon=config.layer_norm_epsilon,
            embedding=1.0,
            positions=self._floats(body.wpe.weight),
        )
        described.norm[0], described.norm[1] = self._floats(body.ln_f.weight), self._floats(body.ln_f.bias)
        self._set(described, body.wte.weight, layers)


def _plain(config: Any) -> bool:
    """GPT-2 as published: the switches that other checkpoints of its family set are off."""
    return bool(
        config.scale_attn_weights
        and not config.scale_attn_by_inverse_layer_idx
        and not config.reorder_and_upcast_attn
        and not config.add_cross_attention
    )
