"""Writes text: one request's samples side by side in one batch, token by token, each ended where it should."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import DynamicCache, LogitsProcessorList
from transformers.generation.logits_process import (
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from kogpt_funcs import settings
from kogpt_funcs.errors import Busy
from kogpt_funcs.models import cache
from kogpt_funcs.models.gate import admitted
from kogpt_funcs.models.language_model import LanguageModel
from kogpt_funcs.models.prompt import Generation, Sample
from kogpt_funcs.models.tokenizer import END, SPECIALS, Tokenizer
from kogpt_funcs.text import last_sentence_end

_COLD = 0.01  # a temperature below this is greedy: logits divided by it would overflow
_SOFT_END = 0.6  # from this share of the length on, a sample may stop at a sentence end


def generate(request: Generation) -> Iterator[list[Sample]]:
    """Snapshots of the samples as they grow, one a token; the last one is complete. Raises Busy or CheckpointError."""
    with admitted(), cache.using(settings.base(), lambda: LanguageModel(settings.base())) as model:
        if request.adapter:
            model.attach(request.adapter)
        try:
            yield from _decode(model, request)
        except torch.OutOfMemoryError as error:
            raise Busy(retry_after=10) from error


@dataclass
class _Row:
    """One sample under way."""

    ids: list[int] = field(default_factory=list)
    sample: Sample = field(default_factory=Sample)

    @property
    def finished(self) -> bool:
        return bool(self.sample.finish_reason)


def _decode(model: LanguageModel, request: Generation) -> Iterator[list[Sample]]:
    tokenizer = model.tokenizer
    prompt = _fit(tokenizer.encode(request.prompt), model.context - request.max_new_tokens)
    rows = [_Row() for _ in range(request.num_samples)]
    alive = rows
    kv = DynamicCache()
    scores = model.forward(request.adapter, torch.tensor([prompt]), kv).repeat(len(rows), 1)
    if len(rows) > 1:
        kv.batch_repeat_interleave(len(rows))
    choose = _Chooser(request, tokenizer, prompt, model.device)
    for made in range(request.max_new_tokens + 1):
        tokens = choose(scores, alive, greedy_first=request.greedy_first and alive[0] is rows[0])
        for row, token in zip(alive, tokens, strict=True):
            _extend(row, token, made, request, tokenizer)
        yield [Sample(row.sample.text, row.sample.tokens, row.sample.finish_reason) for row in rows]
        keep = [i for i, row in enumerate(alive) if not row.finished]
        if not keep:
            return
        if len(keep) < len(alive):
            kv.batch_select_indices(torch.tensor(keep, device=model.device))
            alive = [alive[i] for i in keep]
        scores = model.forward(request.adapter, torch.tensor([[row.ids[-1]] for row in alive]), kv)


def _fit(ids: list[int], room: int) -> list[int]:
    # Control tokens stand at both ends of a prompt: what is too long loses text just after the first one.
    return ids if len(ids) <= room else [ids[0], *ids[len(ids) - room + 1 :]]


class _Chooser:
    """The next token of each row, by transformers' own logits processors, then the argmax or a seeded draw."""

    def __init__(self, request: Generation, tokenizer: Tokenizer, prompt: list[int], device: torch.device) -> None:
        self.request, self.prompt, self.device = request, prompt, device
        self.generator = torch.Generator(device)
        if request.seed is None:
            self.generator.seed()
        else:
            self.generator.manual_seed(request.seed)
        self.never = [i for i in range(len(SPECIALS)) if i != END]
        self.newline = tokenizer.newline if request.newline_ends else None
        rules: list[Any] = [RepetitionPenaltyLogitsProcessor(request.repetition_penalty)] if request.repetition_penalty != 1.0 else []
        rules += [NoRepeatNGramLogitsProcessor(request.no_repeat_ngram)] if request.no_repeat_ngram else []
        self.rules = LogitsProcessorList(rules)
        sampling: list[Any] = [TemperatureLogitsWarper(request.temperature)] if request.temperature >= _COLD else []
        sampling += [TopKLogitsWarper(request.top_k)] if request.top_k else []
        sampling += [TopPLogitsWarper(request.top_p)] if request.top_p < 1.0 else []
        self.sampling = LogitsProcessorList(sampling)

    def __call__(self, scores: torch.Tensor, rows: list[_Row], *, greedy_first: bool) -> list[int]:
        ids: Any = torch.tensor([self.prompt + row.ids for row in rows], device=self.device)
        scores = self.rules(ids, scores)
        scores[:, self.never] = -torch.inf
        if len(rows[0].ids) < self.request.min_new_tokens:
            scores[:, END] = -torch.inf
            if self.newline is not None:
                scores[:, self.newline] = -torch.inf
        likeliest = scores.argmax(-1)
        if self.request.temperature < _COLD:
            return likeliest.tolist()
        drawn = torch.multinomial(self.sampling(ids, scores).softmax(-1), 1, generator=self.generator)[:, 0]
        if greedy_first:
            drawn[0] = likeliest[0]
        return drawn.tolist()


def _extend(row: _Row, token: int, made: int, request: Generation, tokenizer: Tokenizer) -> None:
    """Adds `token`, or ends the row with what it has: `token` is then only a look at what would have followed."""
    if token == END or (request.newline_ends and token == tokenizer.newline):
        return _finish(row, tokenizer, len(row.ids), "end_of_text")
    complete = tokenizer.breaks_word[token]
    if request.end == "sentence" and complete and made >= request.max_new_tokens * _SOFT_END:
        text = tokenizer.decode(row.ids)
        if text and last_sentence_end(text) == len(text):
            return _finish(row, tokenizer, made, "sentence_end")
    if made == request.max_new_tokens:
        return _cut(row, tokenizer, complete, request.end == "sentence")
    row.ids.append(token)
    row.sample.text, row.sample.tokens = _text(tokenizer, row.ids), len(row.ids)


def _cut(row: _Row, tokenizer: Tokenizer, complete: bool, at_sentence: bool) -> None:
    """Ends a row that reached its length: after its last whole sentence, else its last whole word."""
    text = tokenizer.decode(row.ids)
    if at_sentence and (end := last_sentence_end(text)):
        kept = next(n for n in range(1, len(row.ids) + 1) if len(tokenizer.decode(row.ids[:n])) >= end)
        return _finish(row, tokenizer, kept, "sentence_end")
    kept = len(row.ids)
    if not complete:
        starts = [n for n in range(1, kept) if tokenizer.breaks_word[row.ids[n]]]
        kept = starts[-1] if starts else kept
    return _finish(row, tokenizer, kept, "length")


def _finish(row: _Row, tokenizer: Tokenizer, kept: int, reason: Any) -> None:
    row.ids = row.ids[:kept]
    row.sample = Sample(_text(tokenizer, row.ids), kept, reason)


def _text(tokenizer: Tokenizer, ids: list[int]) -> str:
    return re.sub(r"\s+$", "", tokenizer.decode(ids))
