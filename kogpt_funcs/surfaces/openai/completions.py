"""Raw continuation by the base or an adapter, as a function that is in no registry: so it runs as all others do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from kogpt_funcs import models
from kogpt_funcs.contract.function import Function
from kogpt_funcs.models import Generation, Sample
from kogpt_funcs.surfaces.openai.names import writer
from kogpt_funcs.surfaces.openai.shapes import CompletionAsked, FinishReason, Usage, neutral


class Choice(BaseModel):
    """One answer as it grows. What `text` has once it keeps."""

    text: str = ""
    finish_reason: FinishReason | None = None
    tokens: int = 0


class Written(BaseModel):
    """All answers to a request, those to its first prompt first."""

    choices: list[Choice]
    usage: Usage | None


def write(asked: CompletionAsked) -> Iterator[Written]:
    """The answers as they grow, the last item whole. Raises NoModel, Busy and CheckpointError."""
    adapter = writer(asked.model).adapter
    prompts = [asked.prompt] if isinstance(asked.prompt, str) else asked.prompt
    choices = [Choice(text=prompt if asked.echo else "") for prompt in prompts for _ in range(asked.n)]
    measures = [models.measure(models.written(prompt), adapter) for prompt in prompts]
    for number, (prompt, measure) in enumerate(zip(prompts, measures, strict=True)):
        request = _request(asked, prompt, adapter, measure.context if measure else None)
        first = number * asked.n
        for samples in models.generate(request):
            for i, sample in enumerate(samples):
                choices[first + i] = _choice(asked, prompt, sample)
            yield Written(choices=choices, usage=None)
    read = [min(m.tokens, m.context - _length(asked, m.context)) if m else None for m in measures]
    yield Written(choices=choices, usage=_usage([n for n in read if n is not None], choices))


def _whole(asked: CompletionAsked) -> Written:
    *_, last = write(asked)
    return last


#: It has no name that a surface shows; only what runs a function reads it.
COMPLETIONS = Function(
    name="completions",
    title="completions",
    description="",
    call=_whole,
    input=CompletionAsked,
    output=Written,
    examples=(),
    stream=write,
)


def _length(asked: CompletionAsked, context: int | None) -> int:
    """The most tokens to write: at least half of what the base reads is left for the prompt."""
    wanted = neutral(asked.max_tokens, 16)
    return min(wanted, context // 2) if context else wanted


def _request(asked: CompletionAsked, prompt: str, adapter: str | None, context: int | None) -> Generation:
    most = _length(asked, context)
    return Generation(
        prompt=models.written(prompt),
        adapter=adapter,
        num_samples=asked.n,
        max_new_tokens=most,
        min_new_tokens=min(max(1, asked.min_tokens or 1), most),
        temperature=neutral(asked.temperature, 1.0),
        top_k=max(0, asked.top_k or 0),
        top_p=neutral(asked.top_p, 1.0),
        repetition_penalty=neutral(asked.repetition_penalty, 1.0),
        seed=asked.seed,
        stop=asked.stops,
        bad_words=tuple(asked.bad_words or ()),
    )


def _choice(asked: CompletionAsked, prompt: str, sample: Sample) -> Choice:
    text = sample.text if sample.finish_reason else _settled(sample.text, asked.stops)
    reason: Any = {"": None, "length": "length"}.get(sample.finish_reason, "stop")
    return Choice(text=(prompt if asked.echo else "") + text, finish_reason=reason, tokens=sample.tokens)


def _settled(text: str, stops: tuple[str, ...]) -> str:
    """What of a growing text cannot be taken back: not its last word, which may be cut, nor the beginning of a stop."""
    words = max(text.rfind(" "), text.rfind("\n"), 0)
    return text[: min(words, len(text) - max((len(stop) - 1 for stop in stops), default=0))].rstrip()


def _usage(read: list[int], choices: list[Choice]) -> Usage | None:
    if not read:
        return None
    written = sum(choice.tokens for choice in choices)
    return Usage(prompt_tokens=sum(read), completion_tokens=written, total_tokens=sum(read) + written)
