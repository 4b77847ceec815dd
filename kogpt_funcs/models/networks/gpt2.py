"""GPT-2 by torch's own operators: int8, fp32 or bf16, on the CPU or a GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.activations import NewGELUActivation

from kogpt_funcs.models.networks.network import Adapter, Network, Work
from kogpt_funcs.models.networks.quantization import int8_linear

_PAGE = 64  # a sequence's cache grows by so many tokens


class KeysAndValues:
    """A sequence's cache: [layers, 2, heads, capacity, size of a head], `length` tokens of it filled."""

    def __init__(self, shape: tuple[int, int, int], dtype: torch.dtype, device: torch.device, capacity: int = _PAGE) -> None:
        layers, heads, size = shape
        self.tensor = torch.empty(layers, 2, heads, capacity, size, dtype=dtype, device=device)
        self.length = 0

    def reserve(self, length: int) -> None:
        """Makes room for `length` tokens in all."""
        if length > self.tensor.shape[3]:
            self.tensor = self._grown(-(-length // _PAGE) * _PAGE, self.length)

    def copy(self, length: int) -> KeysAndValues:
        """The first `length` tokens, with room for more."""
        other = object.__new__(KeysAndValues)
        other.tensor, other.length = self._grown(-(-(length + 1) // _PAGE) * _PAGE, length), length
        return other

    @property
    def bytes(self) -> int:
        return self.tensor.numel() * self.tensor.element_size()

    def _grown(self, capacity: int, length: int) -> torch.Tensor:
        layers, two, heads, _, size = self.tensor.shape
        grown = self.tensor.new_empty(layers, two, heads, capacity, size)
        grown[:, :, :, :length] = self.tensor[:, :, :, :length]
        return grown


class TorchNetwork(Network):
    """GPT-2 with `dtype` "fp32", "bf16" or "int8" (int8 weights, the rest fp32). Each linear layer runs over all new tokens at once."""

    def __init__(self, model: Any, dtype: str, device: torch.device) -> None:
        config = model.config
        self.dtype, self.device = dtype, device
        self.shape = (config.n_layer, config.n_head, config.n_embd // config.n_head)
        self.vocabulary = config.vocab_size
        self._float = torch.bfloat16 if dtype == "bf16" else torch.float32
        self._scaled = config.scale_attn_weights
        self._bytes = 0
        body = model.transformer
        act = body.h[0].mlp.act
        self._activation = nn.GELU("tanh") if isinstance(act, NewGELUActivation) else act  # one operator in place of eight
        self._norms = [[(self._keep(n.weight), self._keep(n.bias), n.eps) for n in (b.ln_1, b.ln_2)] for b in body.h]
        self._last_norm = (self._keep(body.ln_f.weight), self._keep(body.ln_f.bias), body.ln_f.eps)
        self._parts = [
            [self._linear(part.weight.T, part.bias) for part in (b.attn.c_attn, b.attn.c_proj, b.mlp.c_fc, b.mlp.c_proj)] for b in body.h
        ]
        self._positions = self._keep(body.wpe.weight)
        self._head, self._embed = self._tied(body.wte.weight)

    @property
    def bytes(self) -> int:
        return self._bytes

    def cache(self) -> KeysAndValues:
        return KeysAndValues(self.shape, self._float, self.device)

    def adapter(self, low_rank: Adapter) -> Any:
        return [None if pair is None else tuple(t.detach().to(self.device, self._float).contiguous() for t in pair) for pair in low_rank]

    @torch.inference_mode()
    def forward(self, work: Sequence[Work], *, every: bool = False) -> torch.Tensor:
        lengths = [len(piece.ids) for piece in work]
        ids = torch.tensor([token for piece in work for token in piece.ids], device=self.device)
        positions = [p for piece in work for p in range(piece.cache.length, piece.cache.length + len(piece.ids))]
        x = self._embed(ids) + self._positions[torch.tensor(positions, device=self.device)]
        adapters = self._rows_by_adapter(work)
        for piece in work:
            piece.cache.reserve(piece.cache.length + len(piece.ids))
        for layer in range(self.shape[0]):
            attended = self._attend(work, lengths, layer, self._apply(layer, 0, self._norm(x, self._norms[layer][0]), adapters))
            x = x + self._apply(layer, 1, attended, adapters)
            inner = self._activation(self._apply(layer, 2, self._norm(x, self._norms[layer][1]), adapters))
            x = x + self._apply(layer, 3, inner, adapters)
        if not every:
            x = x[torch.tensor(lengths, device=self.device).cumsum(0) - 1]
        logits = self._head(self._norm(x, self._last_norm))
        for piece in work:
            piece.cache.length += len(piece.ids)
        return logits.float().cpu()

    def top(self, logits: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows, vocabulary = logits.shape
        blocks = vocabulary // 128
        if blocks <= k:
            return logits.topk(k)
        # The k largest lie in the k blocks with the largest maxima (and the rest that fills no block).
        head, rest = logits[:, : blocks * 128].view(rows, blocks, 128), logits[:, blocks * 128 :]
        chosen = head.amax(-1).topk(k).indices
        few = torch.cat([head.gather(1, chosen[:, :, None].expand(-1, -1, 128)).flatten(1), rest], 1)
        ids = (chosen[:, :, None] * 128 + torch.arange(128)).flatten(1)
        ids = torch.cat([ids, torch.arange(blocks * 128, vocabulary).expand(rows, -1)], 1)
        values, at = few.topk(k)
        return values, ids.gather(1, at)

    def _attend(self, work: Sequence[Work], lengths: list[int], layer: int, qkv: torch.Tensor) -> torch.Tensor:
        """Attention of each sequence's new tokens [tokens, 3 * width] over that sequence, which they join; [tokens, width]."""
        _, heads, size = self.shape
        found = []
        for piece, new in zip(work, qkv.view(-1, 3, heads, size).split(lengths), strict=True):
            start, end = piece.cache.length, piece.cache.length + len(new)
            both = piece.cache.tensor[layer]  # [2, heads, capacity, size]
            both[:, :, start:end] = new[:, 1:].permute(1, 2, 0, 3)
            mask = None
            if len(new) > 1:
                mask = torch.ones(len(new), end, dtype=torch.bool, device=self.device).tril(start)
            query = new[:, 0].transpose(0, 1)
            got = functional.scaled_dot_product_attention(
                query[None], both[None, 0, :, :end], both[None, 1, :, :end], attn_mask=mask, scale=None if self._scaled else 1.0
            )
            found.append(got[0].transpose(0, 1).reshape(len(new), -1))
        return torch.cat(found) if len(found) > 1 else found[0]

    def _apply(self, layer: int, part: int, x: torch.Tensor, adapters: list[tuple[Any, torch.Tensor]]) -> torch.Tensor:
        y = self._parts[layer][part](x)
        for table, rows in adapters:
            if table[layer * 4 + part] is not None:
                down, up = table[layer * 4 + part]
                y.index_add_(0, rows, functional.linear(functional.linear(x[rows], down), up))
        return y

    def _rows_by_adapter(self, work: Sequence[Work]) -> list[tuple[Any, torch.Tensor]]:
        rows: dict[int, tuple[Any, list[int]]] = {}
        start = 0
        for ids, _, adapter in work:
            if adapter is not None:
                rows.setdefault(id(adapter), (adapter, []))[1].extend(range(start, start + len(ids)))
            start += len(ids)
        return [(adapter, torch.tensor(found, device=self.device)) for adapter, found in rows.values()]

    def _norm(self, x: torch.Tensor, norm: tuple[torch.Tensor, torch.Tensor, float]) -> torch.Tensor:
        return functional.layer_norm(x, x.shape[-1:], *norm)

    def _keep(self, tensor: torch.Tensor) -> torch.Tensor:
        kept = tensor.detach().to(self.device, self._float).clone()
        self._bytes += kept.numel() * kept.element_size()
        return kept

    def _linear(self, weight: torch.Tensor, bias: torch.Tensor | None) -> Callable[[torch.Tensor], torch.Tensor]:
        if self.dtype != "int8":
            kept, shift = self._keep(weight).contiguous(), None if bias is None else self._keep(bias)
            return lambda x: functional.linear(x, kept, shift)
        module = int8_linear(weight, bias, by_row=False)
        self._bytes += module.bytes
        return module

    def _tied(self, weight: torch.Tensor) -> tuple[Any, Any]:
        """The head and the look-up of embeddings: the same weights, in int8 in two layouts."""
        if self.dtype != "int8":
            kept = self._keep(weight)
            return (lambda x: functional.linear(x, kept)), (lambda ids: kept[ids])
        scales = (weight.detach().float().abs().amax(1, keepdim=True) / 127).clamp_min(1e-12)
        rows = (weight.detach().float() / scales).round().to(torch.int8)
        self._bytes += rows.numel() + 4 * len(scales)
        return self._linear(weight, None), (lambda ids: rows[ids] * scales[ids])
