"""write_comment: is the mood read back, the topic kept, the language clean; how varied and how new are the comments?"""

from __future__ import annotations

import random
from collections import defaultdict
from statistics import mean
from typing import Any

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.evaluation import adapters, memorisation, rows
from kogpt_funcs.evaluation.answers import answers
from kogpt_funcs.evaluation.char_ngrams import CharNgrams, fitted
from kogpt_funcs.evaluation.diversity import distinct, self_bleu
from kogpt_funcs.evaluation.kept_words import percent, stems
from kogpt_funcs.evaluation.report import Figures, beside
from kogpt_funcs.evaluation.rows import Asked
from kogpt_funcs.korean.abuse import is_abusive
from kogpt_funcs.korean.text import clean
from kogpt_funcs.write_comment import Mood, mood_of

_MOODS: tuple[str, ...] = Mood.__args__  # type: ignore[attr-defined]
_COMMENTS, _A_CALL = 1000, 5
_TO_LEARN = 15_000  # rated comments of each mood that the judge is fitted on

_NOTES = [
    "Topics are those of held-out rows; every topic is asked in each mood, five comments a call, with the "
    "function's own settings.",
    f"read back: the share that character n-grams with logistic regression, fitted on {_TO_LEARN:,} rated "
    f"training comments of each mood, "
    "read as the mood that was asked for; of real: the share of real held-out comments they read as the mood "
    "of their rating. "
    "two-way: between 호평 and 혹평 alone.",
    "topic kept: a word of the topic, particle cut off, stands in the comment. abusive: by the suite's own "
    "word list, which the function "
    "filters with. distinct, self-BLEU: over words, beside as many real held-out comments.",
    f"verbatim: characters in a row that also stand in the training rows; below {memorisation.SHORTEST} counts as 0.",
]


def measure(asked: Asked) -> Figures:
    """Figures of 1,000 comments (or `limit`) on topics of held-out rows, beside as many real ones."""
    held = rows.held_out(asked)
    real = [row for row in held if _text(row)]
    topics = list(dict.fromkeys(topic for row in real if (topic := _topic(row))))
    if not topics:
        raise KogptError(
            f"No held-out row of {asked.names} has a `topic` of at most 100 characters to write comments on."
        )
    trained = [(text, _mood(row)) for row in rows.training(asked) if (text := _text(row))]
    judge = _judge(trained, asked)
    written = _written(rows.draw(topics, _calls(asked), asked.seed), asked.seed)
    count = sum(len(texts) for by_topic in written.values() for _, texts in by_topic)
    beside_rows = rows.draw(real, count, asked.seed)
    on_topic = [(topic, text) for by_topic in written.values() for topic, found in by_topic for text in found]
    texts = [text for _, text in on_topic]
    sample = [_text(row) for row in beside_rows]
    lengths = memorisation.longest_overlaps([*texts, *sample], (text for text, _ in trained))
    return {
        "function": "write_comment",
        **adapters.bits_per_character(asked, held),
        "moods": _moods(written, real, judge),
        "comments": beside(
            written=_comments(texts, on_topic) | memorisation.figures(lengths[: len(texts)]),
            real=_comments(sample, [(topic, _text(row)) for row in real if (topic := _topic(row))])
            | memorisation.figures(lengths[len(texts) :]),
        ),
        "notes": _NOTES,
    }


def _calls(asked: Asked) -> int:
    """Calls a mood."""
    return max(1, round((asked.limit or _COMMENTS) / _A_CALL / len(_MOODS)))


def _written(topics: list[str], seed: int) -> dict[str, list[tuple[str, list[str]]]]:
    """{mood: [(topic, its comments)]}."""
    found: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
    asked = [(mood, topic) for mood in _MOODS for topic in topics]
    fields = [
        {"topic": topic, "mood": mood, "num_samples": _A_CALL, "seed": seed + i}
        for i, (mood, topic) in enumerate(asked)
    ]
    for (mood, topic), said in zip(asked, answers("write_comment", fields), strict=True):
        found[mood].append((topic, said.comments))
    return found


def _judge(trained: list[tuple[str, str]], asked: Asked) -> CharNgrams:
    rated: dict[str, list[str]] = defaultdict(list)
    for text, mood in trained:
        if mood:
            rated[mood].append(text)
    rng = random.Random(asked.seed)
    drawn = [
        (text, mood) for mood in sorted(rated) for text in rng.sample(rated[mood], min(_TO_LEARN, len(rated[mood])))
    ]
    return fitted([text for text, _ in drawn], [mood for _, mood in drawn], asked.cache)


def _moods(
    written: dict[str, list[tuple[str, list[str]]]], real: list[dict[str, Any]], judge: CharNgrams
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for mood in _MOODS:
        texts, reals = (
            [text for _, said in written[mood] for text in said],
            [_text(row) for row in real if _mood(row) == mood],
        )
        found[mood] = {
            "comments": len(texts),
            "read_back_percent": _read(judge, texts, mood, _MOODS),
            "of_real_percent": _read(judge, reals, mood, _MOODS),
        }
        if mood != "보통":
            pair = ("호평", "혹평")
            found[mood] |= {
                "two-way_percent": _read(judge, texts, mood, pair),
                "two-way_of_real_percent": _read(judge, reals, mood, pair),
            }
    columns = list(dict.fromkeys(column for row in found.values() for column in row if column != "comments"))
    known = {column: [row[column] for row in found.values() if row.get(column) is not None] for column in columns}
    means = {column: round(mean(values), 1) if values else None for column, values in known.items()}
    return found | {"mean": {"comments": sum(row["comments"] for row in found.values()), **means}}


def _read(judge: CharNgrams, texts: list[str], mood: str, among: tuple[str, ...]) -> float | None:
    return percent([label == mood for label in judge.read(texts, [label for label in among if label in judge.labels])])


def _comments(texts: list[str], on_topic: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "comments": len(texts),
        "topic_kept_percent": percent([_keeps(text, topic) for topic, text in on_topic]),
        "abusive_percent": percent([is_abusive(text) for text in texts]),
        "distinct_1": distinct(texts, 1),
        "distinct_2": distinct(texts, 2),
        "self_bleu": self_bleu(texts),
    }


def _keeps(text: str, topic: str) -> bool:
    return any(stem.casefold() in text.casefold() for stem in stems(topic) or [topic])


def _text(row: dict[str, Any]) -> str:
    text = clean(str(row.get("text") or "")).replace("\n", " ")
    return "" if is_abusive(text) else text


def _topic(row: dict[str, Any]) -> str:
    topic = clean(str(row.get("topic") or ""))
    return topic if len(topic) <= 100 and not is_abusive(topic) else ""


def _mood(row: dict[str, Any]) -> str:
    return str(row.get("mood") or "") or mood_of(row.get("rating"))
