"""The next token of each sample in a batch: rules on its logits, then the likeliest token or a seeded draw."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from kogpt_funcs.models.networks.network import Network
from kogpt_funcs.models.prompt import Generation
from kogpt_funcs.models.tokenizers.tokenizer import Detokenizer

_WORD = 16  # a bad word has at most so many tokens
_TRIES = 50  # tokens that may complete bad words at one place
_COLD = 0.01  # a temperature below this is greedy: logits divided by it would overflow
_UNLIKELY = 0.02  # times the share of the likeliest token
_TINY = 1e-12  # added to shares whose logarithm is taken


@dataclass
class Choice:
    """How one sample chooses its tokens: its request's settings, what it has seen, its random numbers."""

    request: Generation
    prompt: list[int]
    greedy: bool
    random: random.Random
    tokenizer: Detokenizer
    never: np.ndarray  # ids that are not drawn
    ids: list[int] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)
    _followers: dict[tuple[int, ...], list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Generation, index: int, prompt: list[int], tokenizer: Detokenizer) -> Choice:
        """For sample number `index` of `request`, whose prompt has the ids `prompt`."""
        greedy = request.temperature < _COLD or (request.greedy_first and index == 0)
        # A seed and an index make one stream of random numbers; SystemRandom's state makes the others.
        numbers = random.Random() if request.seed is None else random.Random(request.seed * 1_000_003 + index)
        never = np.array([i for i in tokenizer.control if i != tokenizer.end], np.int64)
        choice = cls(request, prompt, greedy, numbers, tokenizer, never)
        choice._seen.update(prompt)
        if request.no_repeat_ngram:
            for end in range(1, len(prompt) + 1):
                choice._remember(prompt[:end])
        return choice

    def add(self, token: int) -> None:
        self.ids.append(token)
        self._seen.add(token)
        if self.request.no_repeat_ngram:
            self._remember([*self.prompt[-self.request.no_repeat_ngram :], *self.ids])

    def _remember(self, ids: list[int]) -> None:
        n = self.request.no_repeat_ngram
        if len(ids) >= n:
            self._followers.setdefault(tuple(ids[len(ids) - n : -1]), []).append(ids[-1])

    def apply(self, logits: np.ndarray) -> None:
        """Changes the logits [vocabulary] of the next token in place."""
        request = self.request
        logits[self.never] = -np.inf
        if request.repetition_penalty != 1.0:  # Keskar et al. 2019
            seen = np.fromiter(self._seen, np.int64, len(self._seen))
            values = logits[seen]
            logits[seen] = np.where(
                values > 0, values / request.repetition_penalty, values * request.repetition_penalty
            )
        if request.no_repeat_ngram:  # Paulus et al. 2017
            before = [*self.prompt[-request.no_repeat_ngram :], *self.ids]
            logits[self._followers.get(tuple(before[len(before) - request.no_repeat_ngram + 1 :]), [])] = -np.inf
        if len(self.ids) < request.min_new_tokens:
            logits[self.tokenizer.end] = -np.inf
            if request.newline_ends and self.tokenizer.newline is not None:
                logits[self.tokenizer.newline] = -np.inf

    def forbids(self, token: int) -> bool:
        """Would `token` complete one of the request's bad words?"""
        text = self.tokenizer.decode([*self.ids[-_WORD:], token])
        return any(word in text for word in self.request.bad_words)


def guide(logits: np.ndarray, guidance: float) -> None:
    """Changes the first row of logits [prompts, vocabulary] in place: what it makes likelier than the other rows do
    on average gets likelier, by the power `guidance`. A token that is unlikely to begin with gains nothing by it.

    Classifier-free guidance (Sanchez et al. 2023) away from other prompts, with the cut of contrastive decoding (Li
    et al. 2023).
    """
    if len(logits) > 1 and guidance:
        shares = np.exp(logits - logits.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        gain = guidance * (np.log(shares[0] + _TINY) - np.log(shares[1:].mean(0) + _TINY))
        logits[0] += np.where(shares[0] < _UNLIKELY * shares[0].max(), np.minimum(gain, 0), gain)


def choose(network: Network, logits: torch.Tensor, choices: Sequence[Choice]) -> list[int]:
    """One token a row of logits [rows, vocabulary], to which each row's rules have been applied."""
    tokens = _choose(network, logits, choices)
    for i, choice in enumerate(choices):
        if choice.request.bad_words:
            tokens[i] = _allowed(network, logits[i], choice, tokens[i])
    return tokens


def _choose(network: Network, logits: torch.Tensor, choices: Sequence[Choice]) -> list[int]:
    drawn = [i for i, choice in enumerate(choices) if not choice.greedy]
    wanted = max((choices[i].request.top_k for i in drawn), default=0) or 1
    values, ids = (t.numpy() for t in network.top(logits, min(wanted, logits.shape[1])))
    tokens = ids[:, 0].tolist()
    few = [i for i in drawn if choices[i].request.top_k]
    if few:
        for i, column in zip(few, _draw(values[few], [choices[i] for i in few]), strict=True):
            tokens[i] = int(ids[i, column])
    for i in set(drawn) - set(few):
        tokens[i] = _from_all(logits[i].numpy(), choices[i])
    return tokens


def _allowed(network: Network, logits: torch.Tensor, choice: Choice, token: int) -> int:
    """`token`, chosen for `choice` from logits [vocabulary], or the next choice that completes no bad word."""
    for _ in range(_TRIES):
        if not choice.forbids(token):
            break
        logits[token] = -torch.inf
        (token,) = _choose(network, logits[None], [choice])
    return token


def _draw(values: np.ndarray, choices: Sequence[Choice]) -> list[int]:
    """The column that each row of logits [rows, k], largest first, draws within its top-k and top-p."""
    temperature = np.array([c.request.temperature for c in choices], np.float32)[:, None]
    top_k = np.array([c.request.top_k for c in choices])[:, None]
    top_p = np.array([c.request.top_p for c in choices], np.float32)[:, None]
    scaled = (values.astype(np.float64) - values[:, :1]) / temperature
    scaled[np.arange(values.shape[1])[None] >= top_k] = -np.inf
    weights = np.exp(scaled)
    shares = weights / weights.sum(1, keepdims=True)
    before = shares.cumsum(1) - shares
    kept = np.where(before < top_p, shares, 0.0)  # the smallest set that reaches top-p (Holtzman et al. 2019),
    kept[:, 0] = shares[:, 0]  # never empty, even where top-p is so small that fp32 has it as 0
    total = kept.cumsum(1)
    columns = []
    for row, choice in enumerate(choices):
        at = int(np.searchsorted(total[row], choice.random.random() * total[row, -1], side="right"))
        columns.append(min(at, int(np.flatnonzero(kept[row])[-1])))
    return columns


def _from_all(logits: np.ndarray, choice: Choice) -> int:
    """A draw from the whole vocabulary, cut at top-p."""
    weights = np.exp((logits.astype(np.float64) - logits.max()) / choice.request.temperature)
    order = np.argsort(-weights, kind="stable")
    total = (weights[order] / weights.sum()).cumsum()
    kept = int(np.searchsorted(total, choice.request.top_p)) + 1
    return int(
        order[
            min(
                np.searchsorted(total, choice.random.random() * total[min(kept, len(total)) - 1], side="right"),
                kept - 1,
            )
        ]
    )
