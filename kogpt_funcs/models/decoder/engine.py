"""Continuous batching (Yu et al. 2022) over one network: requests join and leave the batch at every token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from kogpt_funcs.models.decoder.generating import RunningGeneration
from kogpt_funcs.models.decoder.prefill import encode, fit
from kogpt_funcs.models.decoder.prefixes import Prefixes
from kogpt_funcs.models.decoder.scheduler import Scheduler
from kogpt_funcs.models.decoder.scoring import RunningScoring
from kogpt_funcs.models.decoder.step import Step
from kogpt_funcs.models.networks.network import Network
from kogpt_funcs.models.prompt import Generation, Prompt, Sample, Score
from kogpt_funcs.models.tokenizers.tokenizer import Tokenizer


class Engine:
    """What a base asks its decoder: text after a prompt, or how likely a text is there. All requests share one
    batch.
    """

    def __init__(self, network: Network, tokenizer: Tokenizer, context: int) -> None:
        self.network, self.tokenizer, self.context = network, tokenizer, context
        self.prefixes = Prefixes()
        step = Step(network, self.prefixes)
        self._scheduler = Scheduler(step.run, step.keep)

    def generate(self, request: Generation, adapter: Any) -> Iterator[list[Sample]]:
        """Snapshots of the samples as they grow; the last one is complete. Closing the iterator cancels the request."""
        running = self.running(request, adapter)
        self._scheduler.submit(running)
        with closing(running.updates()) as updates:
            for _ in updates:
                yield running.written

    def score(self, prompts: Sequence[Prompt], targets: Sequence[str], adapter: Any) -> list[Score]:
        """How likely each target is after the prompt at its place."""
        running = RunningScoring(prompts, targets, adapter, self.tokenizer, self.context)
        self._scheduler.submit(running)
        with closing(running.updates()) as updates:
            for _ in updates:
                pass
        return running.scores

    def running(self, request: Generation, adapter: Any) -> RunningGeneration:
        """`request` as the batch takes it: nothing of it has been read."""
        room = self.context - request.max_new_tokens
        prompts = [fit(encode(self.tokenizer, prompt), room) for prompt in (request.prompt, *request.against)]
        return RunningGeneration(request, prompts, adapter, self.tokenizer)

    def close(self) -> None:
        """Ends the thread. Only an engine that nobody uses is closed."""
        self._scheduler.close()

    @property
    def load(self) -> dict[str, int]:
        """Requests in the batch, and those that wait to join it."""
        return self._scheduler.admission.load
