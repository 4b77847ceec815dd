"""transformers' continuous batching for models of any architecture, each request by its own rules of sampling and
ending.
"""

from __future__ import annotations

import atexit
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import (
    ContinuousBatchingConfig,
    GenerationConfig,
    LogitsProcessorList,
)
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessor

from kogpt_funcs.contract.errors import Busy
from kogpt_funcs.models.decoder.endings import Ending
from kogpt_funcs.models.decoder.sampling import Choice, choose
from kogpt_funcs.models.prompt import Sample
from kogpt_funcs.models.tokenizers.pretrained import Vocabulary

_PAGES = 32  # of 256 tokens; what does not fit waits
_PASS = 512  # tokens of prompts in one pass
_PATIENCE = 0.5  # seconds without news after which a reader asks whether the batch still runs
_END_SECONDS = 10  # that the end of the process waits for a pass under way


@dataclass(eq=False)
class Row:
    """One sample under way."""

    choice: Choice
    ending: Ending
    error: Exception | None = None
    changed: threading.Event = field(default_factory=threading.Event)

    @property
    def over(self) -> bool:
        return bool(self.ending.reason) or self.error is not None

    @property
    def sample(self) -> Sample:
        return self.ending.sample(self.choice.ids)


def advance(rows: Sequence[Row], logits: torch.Tensor) -> None:
    """Adds a token to each row, or ends it; `logits` [rows, vocabulary] are changed."""
    for table, row in zip(logits.numpy(), rows, strict=True):
        row.choice.apply(table)
    for token, row in zip(choose(_TOP, logits, [row.choice for row in rows]), rows, strict=True):  # type: ignore[arg-type]
        if row.ending.admits(token, row.choice.ids):
            row.choice.add(token)
            row.ending.look(row.choice.ids)


class _Top:
    """The one thing that sampling asks of a network."""

    def top(self, logits: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.topk(logits, k)


_TOP = _Top()


class _Rules(ContinuousBatchingLogitsProcessor):
    """Chooses each request's next token by that request's own rules, and leaves transformers no other choice."""

    supported_kwargs: dict[str, type] = {}  # noqa: RUF012 (transformers declares it so)
    ignored_kwargs: tuple[str, ...] = ()

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.rows: dict[str, Row] = {}
        self._order: list[str] = []

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        int32_tensor.fill_(0)

    def prepare_tensor_args(self, requests_with_new_token: list[Any]) -> torch.Tensor:
        self._order = [request.state.request_id for request in requests_with_new_token]
        return torch.zeros(len(self._order), dtype=torch.int32)

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        rows = [self.rows.get(name) for name in self._order]
        chosen = torch.full((len(scores),), self.vocabulary.filler)
        for i, row in enumerate(rows):
            if row is not None and not row.over:
                try:
                    advance([row], self.vocabulary.arrange(scores[i : i + 1]))
                except Exception as error:  # a fault in one request ends that one alone
                    row.error = error
                if not row.over:
                    chosen[i] = self.vocabulary.own(row.choice.ids[-1:])[0]
                row.changed.set()
        return torch.full_like(scores, -torch.inf).scatter_(1, chosen[:, None].to(scores.device), 0.0)


class Batch:
    """transformers' continuous batching manager, started when first needed."""

    def __init__(self, model: Any, vocabulary: Vocabulary) -> None:
        self._vocabulary, self._rules, self._starting = vocabulary, _Rules(vocabulary), threading.Lock()
        config = GenerationConfig(do_sample=False, eos_token_id=vocabulary.filler, pad_token_id=vocabulary.filler)
        pages = ContinuousBatchingConfig(
            num_blocks=_PAGES,
            max_batch_tokens=_PASS,
            use_cuda_graph=False,
            use_async_batching=False,
            auto_switch_to_flash=False,
        )
        self._manager = model.init_continuous_batching(config, pages)
        processors = self._manager.logit_processor
        processors.logits_processor = LogitsProcessorList([self._rules])
        processors.tensors_required, processors.do_processing = 1, True

    def run(self, prompt: list[int], rows: list[Row]) -> Iterator[list[Sample]]:
        """Snapshots of `rows`, which continue `prompt`."""
        names = [uuid.uuid4().hex for _ in rows]
        news = rows[0].changed
        for row in rows:
            row.changed = news
        self._rules.rows.update(zip(names, rows, strict=True))
        try:
            self._start()
            for name, row in zip(names, rows, strict=True):
                own = self._vocabulary.own(prompt)
                if (
                    self._manager.add_request(
                        own, request_id=name, max_new_tokens=row.choice.request.max_new_tokens + 2
                    )
                    is None
                ):
                    raise Busy()
            over = False
            while not over:
                heard = news.wait(_PATIENCE)
                news.clear()
                if not heard:
                    self._hear(rows)
                over = all(row.over for row in rows)  # before the snapshot, which is then the last one
                for error in (row.error for row in rows if row.error is not None):
                    raise error
                if heard or over:
                    yield [row.sample for row in rows]
        finally:
            for name in names:
                self._rules.rows.pop(name, None)
                self._manager.cancel_request(name)
            self._drain()

    def close(self) -> None:
        atexit.unregister(self._end)
        self._manager.stop(block=False, hard_stop=True)

    def _end(self) -> None:
        """Before the process ends: Python would unwind the thread inside torch's C++ frames, and that aborts."""
        if self._manager.is_running():
            self._manager.stop(timeout=_END_SECONDS, hard_stop=True)

    def _start(self) -> None:
        with self._starting:
            if not self._manager.is_running():
                # Its thread is a daemon if the one that starts it is: a process may end without stopping it first.
                starter = threading.Thread(target=self._manager.start, daemon=True)
                starter.start()
                starter.join()
                atexit.register(self._end)

    def _hear(self, rows: list[Row]) -> None:
        """After a silence: what the manager says of requests that failed, or that it has stopped."""
        self._drain()
        if not self._manager.is_running():
            for row in rows:
                row.error = row.error or RuntimeError("the continuous batch has stopped")

    def _drain(self) -> None:
        while (output := self._manager.get_result(timeout=0)) is not None:
            row = self._rules.rows.get(output.request_id)
            if output.error and row is not None:
                row.error = (MemoryError if "out of memory" in output.error else RuntimeError)(output.error)
