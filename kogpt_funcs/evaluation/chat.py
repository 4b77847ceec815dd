"""chat: how likely the written replies of held-out talks are, whether they are told from nineteen others, how varied
its own are, and whether a crisis is heard. What is measured by cannot be found by the retrieval.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from statistics import mean
from typing import Any, NamedTuple

from tqdm import tqdm

from kogpt_funcs import models
from kogpt_funcs.chat import ChatInput, Heard, prompt, worth
from kogpt_funcs.contract.errors import CheckpointError, KogptError
from kogpt_funcs.evaluation import rows, safety
from kogpt_funcs.evaluation.answers import answer
from kogpt_funcs.evaluation.diversity import distinct
from kogpt_funcs.evaluation.report import Figures, beside
from kogpt_funcs.evaluation.rows import Asked
from kogpt_funcs.korean.text import clean
from kogpt_funcs.models import retrieval

_MOST, _REPLIES = 100, 60  # exchanges that are scored, and of those, that are answered
_OTHERS, _NEAREST = 19, 10
_FEELINGS = ("일상", "기쁨", "불안", "슬픔", "분노", "우울")
_NOTES = [
    "assistant loss: nats a token of the written reply after the whole talk so far, by the base alone and with the "
    "adapter chat, both as they run here.",
    f"hits@1: the written reply is ranked before {_OTHERS} of other held-out talks. retrieval alone: likeness to the "
    f"replies of the {_NEAREST} nearest messages. as chat ranks: the adapter's log-ratio and likeness of meaning.",
    "replies: what chat answers in the same places, beside the written ones; words are what blanks set apart.",
    "crisis: the phrase list on our own phrases (evaluation/crisis.txt, ordinary.txt).",
]


class Exchange(NamedTuple):
    """A turn of the person and the reply that was written to it, after `talk`."""

    talk: list[str]
    message: str
    reply: str
    emotion: str
    speech: str

    @property
    def heard(self) -> Heard:
        return Heard(ChatInput.model_validate(self.fields))

    @property
    def fields(self) -> dict[str, Any]:
        turns = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(self.talk)]
        persona = "반말로 말해 줘." if self.speech == "반말" else ""
        return {"message": self.message, "history": turns, "emotion": self.emotion, "persona": persona}


def measure(asked: Asked) -> Figures:
    """Figures on held-out exchanges: `turns` of dialogues, or `message` and `reply`."""
    held = [found for row in rows.held_out(asked) for found in _exchanges(row)]
    if len({one.reply for one in held}) <= _OTHERS:
        raise KogptError(f"{asked.names} has only {len(held)} held-out exchanges; {_OTHERS + 1} are wanted.")
    chosen = rows.draw(held, asked.limit or _MOST, asked.seed)
    with retrieval.using() as index:
        index.hide({one.reply for one in held})
    return {
        "function": "chat",
        "exchanges": len(chosen),
        **_ranked(chosen, held, asked.seed),
        "replies": _replies(rows.draw(chosen, min(len(chosen), _REPLIES), asked.seed), asked.seed),
        "crisis": safety.measure(),
        "notes": _NOTES,
    }


def _exchanges(row: dict[str, Any]) -> Iterator[Exchange]:
    emotion = str(row.get("emotion") or "").split("+")[0]
    said = [" ".join(clean(turn).split()) for turn in row.get("turns") or [row["message"], row["reply"]]]
    for place in range(0, len(said) - 1, 2):
        feeling = emotion if emotion in _FEELINGS else "일상"
        yield Exchange(said[:place], said[place], said[place + 1], feeling, str(row.get("speech") or "존댓말"))


def _ranked(chosen: list[Exchange], held: list[Exchange], seed: int) -> Figures:
    """Loss and hits@1; None where the base has no adapter for talk, or cannot score."""
    rng, said = random.Random(seed), sorted({one.reply for one in held})
    losses: dict[str, list[tuple[float, int]]] = {"base alone": [], "with the adapter": []}
    hits: dict[str, list[bool]] = {name: [] for name in ("retrieval alone", *losses, "as chat ranks")}
    for one in tqdm(chosen, "chat", unit="exchange", disable=None):
        candidates = [one.reply, *rng.sample([text for text in said if text != one.reply], _OTHERS)]
        hits["retrieval alone"].append(_first(_near(one, candidates)))
        before = [prompt(one.talk, one.message, one.emotion, one.speech)] * len(candidates)
        for name, adapter in zip(losses, (None, "chat"), strict=True):
            try:
                scores = models.score(before, candidates, adapter)
            except CheckpointError:
                continue
            losses[name].append((-scores[0].log_probability, scores[0].tokens))
            hits[name].append(_first([score.mean for score in scores]))
        if len(hits["with the adapter"]) == len(hits["retrieval alone"]):
            with retrieval.using() as index:
                hits["as chat ranks"].append(
                    _first(worth(one.heard, candidates, index.relevance(one.message, candidates)))
                )
    figures = {
        name: {
            "assistant_loss": round(sum(n for n, _ in losses[name]) / sum(t for _, t in losses[name]), 4)
            if losses.get(name)
            else None,
            "hits@1_of_20": round(mean(found), 3) if found else None,
        }
        for name, found in hits.items()
    }
    return {"held_out_talk": figures}


def _near(one: Exchange, candidates: list[str]) -> list[float]:
    with retrieval.using() as index:
        before = one.talk[-2] if one.talk else ""
        found = index.search(one.message, {one.emotion: 1.0}, before=before, count=_NEAREST)
        return index.likeness(candidates, [f.entry.reply for f in found]).mean(1).tolist()


def _first(values: list[float]) -> bool:
    return values[0] > max(values[1:])


def _replies(chosen: list[Exchange], seed: int) -> Figures:
    found = [answer("chat", **one.fields, seed=seed) for one in tqdm(chosen, "replies", unit="reply", disable=None)]
    shares = {source: sum(one.source == source for one in found) for source in sorted({one.source for one in found})}
    told = beside(chat=_told([one.reply for one in found]), written=_told([one.reply for one in chosen]))
    return told | {f"by_{source}": {"chat": count, "written": None} for source, count in shares.items()}


def _told(texts: list[str]) -> Figures:
    return {
        "replies": len(texts),
        "mean_characters": round(mean(map(len, texts)), 1),
        "mean_words": round(mean(len(text.split()) for text in texts), 1),
        "distinct_2": distinct(texts, 2),
        "different": len(set(texts)),
    }
