"""A request to write: its prompts until they have been read, then its samples, a token a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kogpt_funcs.models.decoder.prefill import PromptReading
from kogpt_funcs.models.decoder.running import OpenCache, Pick, Piece, Running
from kogpt_funcs.models.decoder.samples import RunningSample
from kogpt_funcs.models.decoder.sampling import guide
from kogpt_funcs.models.networks.network import Work
from kogpt_funcs.models.prompt import Generation, Sample
from kogpt_funcs.models.tokenizers.tokenizer import Detokenizer


class RunningGeneration(Running):
    """`prompts` are the token ids of the request's own prompt, then of those that it is guided away from."""

    def __init__(self, request: Generation, prompts: Sequence[list[int]], adapter: Any, tokenizer: Detokenizer) -> None:
        super().__init__(adapter)
        self.request = request
        self.prompts = [PromptReading(ids) for ids in prompts]
        self.samples = [RunningSample(request, i, prompts[0], tokenizer) for i in range(request.num_samples)]
        self._after: dict[int, np.ndarray] = {}  # logits after the prompts that have been read to their end

    @property
    def alive(self) -> list[RunningSample]:
        return [sample for sample in self.samples if not sample.ending.reason]

    @property
    def places(self) -> int:
        return len(self.alive) * len(self.prompts)

    @property
    def over(self) -> bool:
        return self.error is not None or not self.alive

    @property
    def repeatable(self) -> bool:  # type: ignore[override]
        return self.request.seed is not None or self.request.temperature == 0

    @property
    def prefilling(self) -> bool:
        return not self.samples[0].caches

    @property
    def written(self) -> list[Sample]:
        return [sample.written for sample in self.samples]

    def pieces(self, room: int, open_cache: OpenCache) -> list[Piece]:
        if not self.prefilling:
            return [
                Piece(self, Work([sample.ids[-1]], cache, self.adapter), (sample, number))
                for sample in self.alive
                for number, cache in enumerate(sample.caches)
            ]
        pieces = []
        for number, prompt in enumerate(self.prompts):
            if ids := prompt.next(room, open_cache):
                pieces.append(Piece(self, Work(ids, prompt.cache, self.adapter), (None, number)))
                room -= len(ids)
        return pieces

    def take(self, piece: Piece, logits: np.ndarray, row: int) -> list[Pick]:
        sample, number = piece.part
        if sample is None:
            return self._begin(number, logits, row) if self.prompts[number].done else []
        if number:
            return []  # its row has been used with that of the request's own prompt
        guide(logits[row : row + len(self.prompts)], self.request.guidance)
        return [Pick(row, self, sample)]

    def _begin(self, number: int, logits: np.ndarray, row: int) -> list[Pick]:
        """Prompt `number` has been read; with the last one the samples begin, all after the same logits."""
        self._after[number] = logits[row]
        if len(self._after) < len(self.prompts):
            return []
        if len(self.prompts) > 1:
            after = np.stack([self._after[k] for k in range(len(self.prompts))])
            guide(after, self.request.guidance)
            logits[row] = after[0]
        self._after.clear()
        for other in self.samples[1:]:
            other.caches = [prompt.cache.copy(prompt.cache.length) for prompt in self.prompts]
        self.samples[0].caches = [prompt.cache for prompt in self.prompts]
        return [Pick(row, self, sample) for sample in self.samples]

    def report(self) -> None:
        if self.over:
            self.show()
        elif not self.prefilling:
            self.show_seldom()

    def read(self) -> list[tuple[list[int], Any]]:
        first = self.samples[0]
        return [([*self.prompts[0].ids, *first.ids][: cache.length], cache) for cache in first.caches[:1]]
