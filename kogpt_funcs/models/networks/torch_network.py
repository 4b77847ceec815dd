"""A decoder by torch's own operators, int8, fp32 or bf16, on the CPU or a GPU. What is special to an architecture,
its file adds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch.nn import functional

from kogpt_funcs.models.networks.keys_and_values import KeysAndValues
from kogpt_funcs.models.networks.network import Adapter, Network, Work
from kogpt_funcs.models.networks.quantization import int8_linear

_BLOCK = 128  # logits that share a maximum in `top`


class Pass(NamedTuple):
    """One forward pass: its new tokens, their places, and which of their rows have which adapter."""

    work: Sequence[Work]
    lengths: list[int]
    ids: torch.Tensor  # [tokens]
    positions: torch.Tensor  # [tokens]
    adapters: list[tuple[Any, torch.Tensor]]


class TorchNetwork(Network):
    """Runs each linear layer over all new tokens at once. A subclass says what a block is: `_embed`, `_block`, `_head`.

    `dtype` is "fp32", "bf16" or "int8" (int8 weights, the rest fp32).
    """

    parts: tuple[str, ...]  # as in the architecture

    def __init__(self, model: Any, dtype: str, device: torch.device, cache_shape: tuple[int, int, int]) -> None:
        self.dtype, self.device, self.cache_shape = dtype, device, cache_shape
        self.vocabulary = int(model.config.get_text_config().vocab_size)
        self._float = torch.bfloat16 if dtype == "bf16" else torch.float32
        self._bytes = 0
        self._linears: list[dict[str, Callable[[torch.Tensor], torch.Tensor]]] = []

    # -- what an architecture adds --

    def _embed(self, step: Pass) -> torch.Tensor:
        """The new tokens [tokens, width] before the first block."""
        raise NotImplementedError

    def _block(self, layer: int, x: torch.Tensor, step: Pass) -> torch.Tensor:
        """[tokens, width] after block number `layer`, by `linear` and `attend`."""
        raise NotImplementedError

    def _head(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [rows, vocabulary] of states [rows, width] after the last block."""
        raise NotImplementedError

    # -- what it builds on --

    def linear(self, layer: int, part: str, x: torch.Tensor, step: Pass) -> torch.Tensor:
        """Linear layer `part` of a block, with each row's adapter added."""
        y = self._linears[layer][part](x)
        index = layer * len(self.parts) + self.parts.index(part)
        for table, rows in step.adapters:
            if table[index] is not None:
                down, up = table[index]
                y.index_add_(0, rows, functional.linear(functional.linear(x[rows], down), up))
        return y

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        step: Pass,
        *,
        scale: float | None = None,
        window: int = 0,
    ) -> torch.Tensor:
        """Attention of each sequence's new tokens over that sequence, which they join; [tokens, query heads * size].

        query is [tokens, query heads, size], key and value [tokens, heads, size], a head serving equally many query
        heads. With `window`, a token sees itself and the window - 1 tokens before it.
        """
        split = (part.split(step.lengths) for part in (query, key, value))
        attended = [
            self._attend_one(layer, piece.cache, *new, scale=scale, window=window)
            for piece, *new in zip(step.work, *split, strict=True)
        ]
        return torch.cat(attended) if len(attended) > 1 else attended[0]

    def keep(self, tensor: torch.Tensor) -> torch.Tensor:
        """A copy of a weight for this network; its bytes are counted."""
        kept = tensor.detach().to(self.device, self._float).clone()
        self._bytes += kept.numel() * kept.element_size()
        return kept

    def linear_of(
        self, weight: torch.Tensor, bias: torch.Tensor | None = None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """x [rows, in] → [rows, out] with `weight` [out, in]."""
        if self.dtype != "int8":
            kept, shift = self.keep(weight).contiguous(), None if bias is None else self.keep(bias)
            return lambda x: functional.linear(x, kept, shift)
        module = int8_linear(weight, bias, by_row=True)
        self._bytes += module.bytes
        return module

    def tied(
        self, weight: torch.Tensor
    ) -> tuple[Callable[[torch.Tensor], torch.Tensor], Callable[[torch.Tensor], torch.Tensor]]:
        """The head and the look-up of embeddings: the same weights [vocabulary, width], in int8 in two layouts."""
        if self.dtype != "int8":
            kept = self.keep(weight)
            return (lambda x: functional.linear(x, kept)), (lambda ids: kept[ids])
        scales = (weight.detach().float().abs().amax(1, keepdim=True) / 127).clamp_min(1e-12)
        rows = (weight.detach().float() / scales).round().to(torch.int8)
        self._bytes += rows.numel() + 4 * len(scales)
        return self.linear_of(weight), (lambda ids: rows[ids] * scales[ids])

    # -- Network --

    @property
    def bytes(self) -> int:
        return self._bytes

    def cache(self) -> KeysAndValues:
        return KeysAndValues(self.cache_shape, self._float, self.device)

    def adapter(self, low_rank: Adapter) -> Any:
        return [
            None if pair is None else tuple(t.detach().to(self.device, self._float).contiguous() for t in pair)
            for pair in low_rank
        ]

    @torch.inference_mode()
    def forward(self, work: Sequence[Work], *, every: bool = False) -> torch.Tensor:
        step = self._pass(work)
        x = self._embed(step)
        for layer in range(self.cache_shape[0]):
            x = self._block(layer, x, step)
        if not every:
            x = x[torch.tensor(step.lengths, device=self.device).cumsum(0) - 1]
        logits = self._head(x)
        for piece in work:
            piece.cache.length += len(piece.ids)
        return logits.float().cpu()

    def top(self, logits: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows, vocabulary = logits.shape
        blocks = vocabulary // _BLOCK
        if blocks <= k:
            return logits.topk(k)
        # The k largest lie in the k blocks with the largest maxima (and the rest that fills no block).
        head, rest = logits[:, : blocks * _BLOCK].view(rows, blocks, _BLOCK), logits[:, blocks * _BLOCK :]
        chosen = head.amax(-1).topk(k).indices
        few = torch.cat([head.gather(1, chosen[:, :, None].expand(-1, -1, _BLOCK)).flatten(1), rest], 1)
        ids = (chosen[:, :, None] * _BLOCK + torch.arange(_BLOCK)).flatten(1)
        ids = torch.cat([ids, torch.arange(blocks * _BLOCK, vocabulary).expand(rows, -1)], 1)
        values, at = few.topk(k)
        return values, ids.gather(1, at)

    def _pass(self, work: Sequence[Work]) -> Pass:
        for piece in work:
            piece.cache.reserve(piece.cache.length + len(piece.ids))
        ids = torch.tensor([token for piece in work for token in piece.ids], device=self.device)
        positions = [p for piece in work for p in range(piece.cache.length, piece.cache.length + len(piece.ids))]
        places = torch.tensor(positions, device=self.device)
        return Pass(work, [len(piece.ids) for piece in work], ids, places, self._rows_by_adapter(work))

    def _rows_by_adapter(self, work: Sequence[Work]) -> list[tuple[Any, torch.Tensor]]:
        rows: dict[int, tuple[Any, list[int]]] = {}
        start = 0
        for ids, _, adapter in work:
            if adapter is not None:
                rows.setdefault(id(adapter), (adapter, []))[1].extend(range(start, start + len(ids)))
            start += len(ids)
        return [(adapter, torch.tensor(own, device=self.device)) for adapter, own in rows.values()]

    def _attend_one(
        self,
        layer: int,
        cache: KeysAndValues,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        *,
        scale: float | None,
        window: int,
    ) -> torch.Tensor:
        start, end, heads = cache.length, cache.length + len(query), key.shape[1]
        both = cache.tensor[layer]  # [2, heads, capacity, size]
        both[0, :, start:end] = key.transpose(0, 1)
        both[1, :, start:end] = value.transpose(0, 1)
        first = max(0, start + 1 - window) if window else 0
        keys, values = both[None, 0, :, first:end], both[None, 1, :, first:end]
        # The query heads that share a head stand one below the other: [1, heads, query heads a head * tokens, size].
        shared = query.shape[1] // heads
        rows = query.transpose(0, 1).reshape(1, heads, shared * len(query), -1)
        mask = self._mask(len(query), start - first, end - first, window) if len(query) > 1 else None
        mask = mask.repeat(shared, 1) if mask is not None and shared > 1 else mask
        attended = functional.scaled_dot_product_attention(rows, keys, values, attn_mask=mask, scale=scale)
        return attended.view(query.shape[1], len(query), -1).transpose(0, 1).reshape(len(query), -1)

    def _mask(self, new: int, start: int, end: int, window: int) -> torch.Tensor:
        """[new, end]: what each of the tokens from `start` on may see."""
        mask = torch.ones(new, end, dtype=torch.bool, device=self.device).tril(start)
        return mask.triu(start + 1 - window) if window else mask
