"""Bases of other architectures (Polyglot-Ko, KoGPT 6B, Qwen, Llama …): all requests share transformers' continuous batch."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    ContinuousBatchingConfig,
    DynamicCache,
    GenerationConfig,
    LogitsProcessorList,
)
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessor

from kogpt_funcs import settings
from kogpt_funcs.errors import Busy, CheckpointError, KogptError
from kogpt_funcs.models import cache, checkpoints
from kogpt_funcs.models.endings import Ending
from kogpt_funcs.models.gate import admitted
from kogpt_funcs.models.language_model import device
from kogpt_funcs.models.plain import plain_text
from kogpt_funcs.models.prompt import Generation, Sample
from kogpt_funcs.models.sampling import Choice, choose
from kogpt_funcs.models.vocabulary import Vocabulary

log = logging.getLogger(__name__)

_PAGES = 32  # of 256 tokens; what does not fit waits
_PASS = 512  # tokens of prompts in one pass
_PATIENCE = 0.5  # seconds without news after which a reader asks whether the batch still runs


def generate(request: Generation) -> Iterator[list[Sample]]:
    """Snapshots of the samples as they grow; the last one is complete. Closing it cancels the request.

    Raises Busy, or CheckpointError where the prompt is more than plain text or the checkpoint cannot be loaded.
    """
    base = settings.base()
    text = plain_text(request, checkpoints.slug(base))
    with admitted(), cache.using(base, lambda: CausalModel(base)) as model:
        yield from model.generate(request, text)


@dataclass(eq=False)
class _Row:
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


class CausalModel(cache.Loaded):
    """A language model of any architecture that transformers knows, its tokenizer, and the batch that its requests share.

    Architectures without transformers' attention interface, such as GPT-J, cannot join a continuous batch: their
    requests take turns at each token instead.
    """

    def __init__(self, name: str) -> None:
        folder = checkpoints.folder(name)
        self.device = device()
        self.model = _load(folder, torch.float32 if self.device.type == "cpu" else torch.bfloat16).to(self.device)
        ends = self.model.generation_config.eos_token_id
        self.vocabulary = Vocabulary(folder, ends if isinstance(ends, list) else [ends])
        self.context = int(self.model.config.get_text_config().max_position_embeddings)
        self._turn = threading.Lock()
        self._batch = _Batch(self.model, self.vocabulary) if self.model._supports_attention_backend else None

    @property
    def details(self) -> dict[str, Any]:
        return {"device": str(self.device), "dtype": str(self.model.dtype).removeprefix("torch."), "engine": "transformers"}

    def close(self) -> None:
        if self._batch:
            self._batch.close()

    def generate(self, request: Generation, text: str) -> Iterator[list[Sample]]:
        """Snapshots of the samples of `request`, which continue `text`."""
        prompt = self.vocabulary.encode(text)[-max(1, self.context - request.max_new_tokens - 1) :]
        rows = [
            _Row(Choice.of(request, i, prompt, self.vocabulary), Ending(request, self.vocabulary))  # type: ignore[arg-type]
            for i in range(request.num_samples)
        ]
        try:
            yield from self._batch.run(prompt, rows) if self._batch else self._take_turns(prompt, rows)
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise Busy(retry_after=10) from error

    def _take_turns(self, prompt: list[int], rows: list[_Row]) -> Iterator[list[Sample]]:
        kv = DynamicCache(config=self.model.config)
        ids = torch.tensor([self.vocabulary.own(prompt)] * len(rows))
        while True:
            with self._turn, torch.inference_mode():
                logits = self.model(input_ids=ids.to(self.device), past_key_values=kv, use_cache=True).logits[:, -1]
            alive = [i for i, row in enumerate(rows) if not row.over]
            advance([rows[i] for i in alive], self.vocabulary.arrange(logits[alive]))
            yield [row.sample for row in rows]
            if all(row.over for row in rows):
                return
            ids = torch.tensor([self.vocabulary.own(row.choice.ids[-1:] or prompt[-1:]) for row in rows])


def advance(rows: Sequence[_Row], logits: torch.Tensor) -> None:
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
        self.rows: dict[str, _Row] = {}
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


class _Batch:
    """transformers' continuous batching manager, started when first needed."""

    def __init__(self, model: Any, vocabulary: Vocabulary) -> None:
        self._vocabulary, self._rules, self._starting = vocabulary, _Rules(vocabulary), threading.Lock()
        config = GenerationConfig(do_sample=False, eos_token_id=vocabulary.filler, pad_token_id=vocabulary.filler)
        pages = ContinuousBatchingConfig(
            num_blocks=_PAGES, max_batch_tokens=_PASS, use_cuda_graph=False, use_async_batching=False, auto_switch_to_flash=False
        )
        self._manager = model.init_continuous_batching(config, pages)
        processors = self._manager.logit_processor
        processors.logits_processor = LogitsProcessorList([self._rules])
        processors.tensors_required, processors.do_processing = 1, True

    def run(self, prompt: list[int], rows: list[_Row]) -> Iterator[list[Sample]]:
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
                if self._manager.add_request(own, request_id=name, max_new_tokens=row.choice.request.max_new_tokens + 2) is None:
                    raise Busy()
            while not all(row.over for row in rows):
                if not news.wait(_PATIENCE):
                    self._hear(rows)
                news.clear()
                for error in (row.error for row in rows if row.error is not None):
                    raise _told(error)
                yield [row.sample for row in rows]
        finally:
            for name in names:
                self._rules.rows.pop(name, None)
                self._manager.cancel_request(name)
            self._drain()

    def close(self) -> None:
        self._manager.stop(block=False, hard_stop=True)

    def _start(self) -> None:
        with self._starting:
            if not self._manager.is_running():
                # Its thread is a daemon if the one that starts it is: a process may end without stopping it first.
                starter = threading.Thread(target=self._manager.start, daemon=True)
                starter.start()
                starter.join()

    def _hear(self, rows: list[_Row]) -> None:
        """After a silence: what the manager says of requests that failed, or that it has stopped."""
        self._drain()
        if not self._manager.is_running():
            for row in rows:
                row.error = row.error or RuntimeError("the continuous batch has stopped")

    def _drain(self) -> None:
        while (output := self._manager.get_result(timeout=0)) is not None:
            row = self._rules.rows.get(output.request_id)
            if output.error and row is not None:
                row.error = RuntimeError(output.error)


def _told(error: Exception) -> Exception:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "out of memory" in str(error) or "not enough memory" in str(error):
        return Busy(retry_after=10)
    if isinstance(error, KogptError):
        return error
    log.error("A request failed in the decoder", exc_info=error)
    return KogptError(f"The decoder failed on this request ({type(error).__name__}). The server's log says why.")


def _load(folder: Path, dtype: torch.dtype) -> Any:
    name = folder.name
    if not any(folder.glob("*.safetensors")) and not any(folder.glob("*.bin")):
        raise CheckpointError(f"Checkpoint {name!r} has no weights (model.safetensors).")
    loaded: Any = AutoModelForCausalLM.from_pretrained(str(folder), dtype=dtype, local_files_only=True, output_loading_info=True)
    model, report = loaded
    if report["missing_keys"] or report["mismatched_keys"]:
        lacking = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))[0]
        raise CheckpointError(f"Checkpoint {name!r} has architecture {model.config.model_type!r}, but its weights do not: they lack {lacking}.")
    return model.eval()
