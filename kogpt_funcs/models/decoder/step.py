"""One step of the batch: pieces of prompts and one token of every sample go through the network, and tokens are
chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from kogpt_funcs.contract import settings
from kogpt_funcs.models import meter
from kogpt_funcs.models.decoder.faults import busy_if_out_of_memory
from kogpt_funcs.models.decoder.prefixes import Prefixes
from kogpt_funcs.models.decoder.running import Pick, Piece, Running, requests_of
from kogpt_funcs.models.decoder.sampling import choose
from kogpt_funcs.models.networks.network import Network

_PREFILL = 256  # tokens of prompts that one step reads beside the samples under way


class Step:
    """Runs steps over `network`. A request that raises takes nobody with it.

    All requests share one pass. On a network whose answers depend on what shares a pass, KOGPT_DETERMINISTIC=1 gives
    every request passes of its own.
    """

    def __init__(self, network: Network, prefixes: Prefixes) -> None:
        self.network, self.prefixes = network, prefixes

    def run(self, batch: Sequence[Running]) -> None:
        """Moves every request of `batch` on."""
        apart = not self.network.batch_invariant and settings.current().deterministic
        pieces = self._pieces(batch, apart)
        for group in _by_request(pieces) if apart else [pieces]:
            if group:
                self._pass(group)
        for running in batch:
            if running.error is None:
                running.report()

    def keep(self, running: Running) -> None:
        """Keeps what `running`, which has left the batch, has read, for prompts that begin so."""
        if running.over and running.error is None:
            for ids, cache in running.read():
                self.prefixes.keep(running.adapter, ids, cache)

    def _pieces(self, batch: Sequence[Running], apart: bool) -> list[Piece]:
        pieces: list[Piece] = []
        room = _PREFILL
        for running in sorted(batch, key=lambda running: running.turn):  # who has had few steps reads first
            if not running.cancelled:
                try:
                    # How a prompt is cut changes rounding just as batch mates do: apart, nobody else's length may
                    # matter.
                    found = self._pieces_of(running, _PREFILL if apart else room, apart)
                except Exception as error:
                    running.fail(busy_if_out_of_memory(error))
                    continue
                room -= sum(len(piece.work.ids) for piece in found) if running.prefilling else 0
                pieces += found
        return pieces

    def _pieces_of(self, running: Running, room: int, apart: bool) -> list[Piece]:
        reuse = self.network.batch_invariant or not (running.repeatable or apart)

        def open_cache(ids: list[int]) -> Any:
            return (self.prefixes.find(running.adapter, ids) if reuse else None) or self.network.cache()

        return running.pieces(room, open_cache)

    def _pass(self, pieces: list[Piece]) -> None:
        """One pass over `pieces`. Where it fails, each request is tried alone, so that only what is at fault fails."""
        every = any(piece.every for piece in pieces)
        try:
            logits = self.network.forward([piece.work for piece in pieces], every=every)
        except Exception as error:
            groups = _by_request(pieces)
            if len(groups) == 1:
                pieces[0].running.fail(busy_if_out_of_memory(error))
                return
            for group in groups:
                self._pass(group)
            return
        self._hand_out(pieces, logits, every)

    def _hand_out(self, pieces: list[Piece], logits: torch.Tensor, every: bool) -> None:
        """Gives each request its rows of the logits, and each sample that continues a token."""
        table, picks, row = logits.numpy(), list[Pick](), -1
        for piece in pieces:
            row += len(piece.work.ids) if every else 1
            try:
                picks += piece.running.take(piece, table, row)
            except Exception as error:
                piece.running.fail(busy_if_out_of_memory(error))
        meter.passed(len(pieces), sum(len(piece.work.ids) for piece in pieces), len(picks))
        if picks:
            self._choose(picks, table)

    def _choose(self, picks: list[Pick], table: np.ndarray) -> None:
        rows = [pick.row for pick in picks]
        if rows != list(range(len(table))):  # the samples of one prompt begin after the same logits
            table = table[rows]
        for pick, logits in zip(picks, table, strict=True):
            try:
                pick.sample.choice.apply(logits)
            except Exception as error:
                pick.running.fail(busy_if_out_of_memory(error))
        tokens = choose(self.network, torch.from_numpy(table), [pick.sample.choice for pick in picks])
        for pick, token in zip(picks, tokens, strict=True):
            try:
                pick.sample.add(token)
            except Exception as error:
                pick.running.fail(busy_if_out_of_memory(error))
        for running in requests_of(picks):
            running.turn += 1


def _by_request(pieces: Sequence[Piece]) -> list[list[Piece]]:
    return [[piece for piece in pieces if piece.running is running] for running in requests_of(pieces)]
