"""How well a model answers in held-out dialogues: loss on the assistant's tokens, and hits@1 of 20, by one rule for
every strategy.
"""

from __future__ import annotations

import random
from typing import Any

import torch

from kogpt_funcs.models import Example
from kogpt_funcs.models.tokenizers.tokenizer import Tokenizer
from kogpt_funcs.training import sequences
from kogpt_funcs.training.turns import Strategy, answers, collate

CANDIDATES = 20


def measure(
    model: torch.nn.Module,
    held_out: list[Example],
    strategy: Strategy,
    tokenizer: Tokenizer,
    length: int,
    seed: int = 0,
) -> dict[str, float]:
    """assistant_loss (nats a token of the assistant's turns) and hits_at_1, with the tokens and the dialogues they
    are from.
    """
    found = [answer for example in held_out for answer in answers(example, strategy, tokenizer, length)]
    nats, tokens = sequences.loss(model, found)
    ranked = [
        rank(model, example, others, strategy, tokenizer, length) for example, others in _contests(held_out, seed)
    ]
    figures: dict[str, float] = {"assistant_tokens": tokens, "assistant_loss": round(nats / max(1, tokens), 4)}
    if ranked:
        figures |= {
            "dialogues_ranked": len(ranked),
            "hits_at_1": round(sum(place == 0 for place in ranked) / len(ranked), 4),
        }
    return figures


def rank(
    model: torch.nn.Module, example: Example, others: list[str], strategy: Strategy, tokenizer: Tokenizer, length: int
) -> int:
    """How many of `others` the model finds likelier than the true last answer, by mean log-likelihood a token.

    The ranking is that of generative models in ConvAI2 (Dinan et al. 2019).
    """
    rows = []
    for text in (example.target, *others):
        *_, last = answers(Example(example.prompt, text), strategy, tokenizer, length)
        rows.append(last)
    true, *false = _losses(model, rows)
    return sum(loss <= true for loss in false)


def _contests(held_out: list[Example], seed: int) -> list[tuple[Example, list[str]]]:
    """Each dialogue with 19 answers drawn from the other dialogues; none where there are not that many different
    ones.
    """
    rng = random.Random(seed)
    said = sorted({example.target for example in held_out})
    found = []
    for example in held_out:
        others = [text for text in said if text != example.target]
        if len(others) >= CANDIDATES - 1:
            found.append((example, rng.sample(others, CANDIDATES - 1)))
    return found


@torch.no_grad()
def _losses(model: Any, rows: list[sequences.Sequence]) -> list[float]:
    """Nats a token of each row's counted tokens."""
    model.eval()
    batch = collate(
        [{"input_ids": row.ids, "counted": [place >= row.start for place in range(len(row.ids))]} for row in rows]
    )
    batch = {key: value.to(next(model.parameters()).device) for key, value in batch.items()}
    first = min(row.start for row in rows)  # what is said before all of them needs no logits
    labels = batch.pop("labels")[:, first:]
    logits = model(**batch, logits_to_keep=labels.shape[1] + 1).logits[:, :-1].float()
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    return (losses.sum(1) / (labels != -100).sum(1).clamp(min=1)).tolist()
