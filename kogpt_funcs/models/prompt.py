"""What a function hands to a model: prompts, generation requests, samples. Plain data; it knows no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple


class Special(NamedTuple):
    """A special token by its name in KoGPT2's vocabulary, e.g. Special("<usr>"). Never made from user text."""

    name: str


_SPECIAL = re.compile(r"(</?s>|<usr>|<sys>|</?d>|<unused\d{1,2}>)")


def written(text: str) -> list[Special | str]:
    """`text` as a prompt, the special tokens in it taken as such: for an operator's API, never for a function's user.

    A prompt begins with a special token, `<s>` where the text does not say another.
    """
    pieces = [Special(part) if _SPECIAL.fullmatch(part) else part for part in _SPECIAL.split(text) if part]
    return pieces if pieces and isinstance(pieces[0], Special) else [Special("<s>"), *pieces]


#: Text and special tokens in order. Each piece of text is tokenised by itself and the ids are joined.
Prompt = Sequence["Special | str"]


class Example(NamedTuple):
    """One training example: the loss counts on `target` (and the end token) alone."""

    prompt: Prompt
    target: str


class Labelled(NamedTuple):
    """One training row of a classifier: {label group: {label: target from 0 to 1}}; a group left out is not learned."""

    text: str
    targets: dict[str, dict[str, float]]
    weights: Mapping[str, float] = MappingProxyType({})  # how much a group's targets count, if not in full

    def weight(self, group: str) -> float:
        """How much this row counts for `group`; 0 if it says nothing of it."""
        return self.weights.get(group, 1.0) if group in self.targets else 0.0


@dataclass(frozen=True)
class Generation:
    """One request to the decoder: `num_samples` continuations of one prompt."""

    prompt: Prompt
    adapter: str | None = None  # what was trained for the function that asks: its adapter, or a full checkpoint
    adapter_optional: bool = False  # without one the base answers
    plain: Prompt = ()  # what the base is given then, where `prompt` would tell it nothing
    num_samples: int = 1
    min_new_tokens: int = 1
    max_new_tokens: int = 64
    temperature: float = 0.8
    top_k: int = 50
    top_p: float = 0.95
    repetition_penalty: float = 1.0
    no_repeat_ngram: int = 0
    seed: int | None = None
    greedy_first: bool = False  # the first sample takes the likeliest token at each step
    end: Literal["text", "sentence"] = "text"  # "sentence": stop at, or cut back to, a sentence end
    newline_ends: bool = False  # a line break ends the sample
    stop: tuple[str, ...] = ()  # texts that end the sample; they are not part of it
    bad_words: tuple[str, ...] = ()  # texts that no sample contains
    against: tuple[Prompt, ...] = ()  # prompts after which the samples shall be less likely than after `prompt`
    guidance: float = 0.0  # how much less; our own decoder alone is guided


@dataclass
class Sample:
    """What the decoder has written so far for one sample."""

    text: str = ""
    tokens: int = 0
    finish_reason: Literal["", "end_of_text", "sentence_end", "stop", "length"] = ""


class Score(NamedTuple):
    """How likely a text is after a prompt."""

    log_probability: float  # natural logarithm, summed over the text's tokens
    tokens: int

    @property
    def mean(self) -> float:
        """Log probability of a token."""
        return self.log_probability / self.tokens


class Measure(NamedTuple):
    """How long a prompt is."""

    tokens: int
    context: int  # the most tokens that the base reads and writes together
