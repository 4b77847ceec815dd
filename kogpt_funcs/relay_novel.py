"""릴레이 소설: offer what could happen next in a story."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, Field

from kogpt_funcs import models
from kogpt_funcs.contract.errors import CheckpointError, TooLarge
from kogpt_funcs.contract.fields import Sampling
from kogpt_funcs.korean.abuse import is_abusive
from kogpt_funcs.korean.excerpt import excerpt
from kogpt_funcs.korean.genres import Genre
from kogpt_funcs.korean.presumed import presumes
from kogpt_funcs.korean.stems import stems
from kogpt_funcs.korean.text import clean, last_sentence_end, required, sentences
from kogpt_funcs.models import Example, Generation, Special

_ROOM = 700  # letters of story, notes and newest sentence together: some 350 tokens
_MORE = 3  # so many more candidates are written than asked for
_ROUNDS = 3  # how often candidates are written while too few are fit to show
_SENTENCES = 3  # of a candidate, at most
_NEUTRAL = "그리고 다음 날이 되었다."  # what a first sentence is compared with
_SHARE = 0.5  # of the likelihood without the newest sentence: all of it would favour what is odd anywhere
_TAKES_UP = 0.1  # nats a token that a word of the newest sentence is worth, two of them at most
_FOREIGN = re.compile(r"[\u0400-\u06ff\u3040-\u30ff\u4e00-\u9fff]")
_ALIKE = 0.5  # share of a candidate's own words that another may have too


class RelayNovelInput(Sampling):
    sentence: str = Field(
        ...,
        min_length=1,
        max_length=500,
        title="방금 쓴 문장",
        examples=["오늘은 도윤이 책을 한 권 들고 계산대로 왔다."],
        description="이 문장 바로 다음에 올 이야기를 씁니다. 500자까지 받습니다.",
    )
    story: str = Field(
        "",
        max_length=100_000,
        title="지금까지의 이야기",
        examples=["도윤은 목요일마다 서점에 왔다. 아무것도 사지 않고 돌아갔다."],
        description="방금 쓴 문장 앞까지의 이야기입니다. 길면 처음과 끝, 그리고 지금과 이어지는 대목만 읽습니다.",
    )
    genre: Genre = Field("일상", title="장르", examples=["로맨스"], description="이야기의 장르입니다.")
    notes: str = Field(
        "",
        max_length=300,
        title="메모",
        examples=["하진: 서점 직원, 말수가 적다. 도윤: 단골손님."],
        description="인물과 장소처럼 잊으면 안 되는 것을 적습니다. 언제나 함께 읽습니다. 300자까지 받습니다.",
    )
    num_candidates: int = Field(
        3, ge=1, le=5, title="후보 수", examples=[3], description="서로 다른 후보를 몇 개 쓸지 정합니다."
    )
    max_new_tokens: int = Field(
        80,
        ge=8,
        le=256,
        title="최대 길이",
        examples=[80],
        description="후보 하나에 쓰는 토큰의 최대 개수입니다. 토큰 하나는 한글 두 글자쯤입니다.",
    )


class RelayNovelOutput(BaseModel):
    candidates: list[str] = Field(
        ..., title="후보", description="서로 다른 다음 이야기입니다. 하나는 한 문장에서 세 문장입니다."
    )


EXAMPLES = [
    {
        "sentence": "오늘은 도윤이 책을 한 권 들고 계산대로 왔다.",
        "genre": "로맨스",
        "story": "도윤은 목요일마다 서점에 왔다. 여행책 칸에서 한 시간쯤 서성이다가 아무것도 사지 않고 돌아갔다.",
        "notes": "하진: 서점 직원, 말수가 적다. 도윤: 단골손님, 지도 만드는 사람.",
        "seed": 1,
    },
    {
        "story": "마을 끝의 우물은 삼 년 전에 말랐다. 그런데 간밤에 우물에서 물소리가 났다.",
        "sentence": "아이는 두레박을 내려 보기로 했다.",
        "genre": "판타지",
        "num_candidates": 2,
        "seed": 2,
    },
    {"sentence": "엘리베이터가 아무도 누르지 않은 13층에서 멈추었다.", "genre": "공포", "seed": 3},
]


ENGLISH = {
    "title": "Relay novel",
    "description": (
        "Write a story together. Give the story so far and the sentence just written, and it offers several "
        "things that "
        "could happen next."
    ),
    "input": {
        "sentence": (
            "Newest sentence",
            "What is written follows right after this sentence, in Korean. Up to 500 characters.",
        ),
        "story": (
            "Story so far",
            "All of it before the newest sentence. Of a long one the opening, the end and what matters now are read.",
        ),
        "genre": ("Genre", "The genre of the story."),
        "notes": (
            "Notes",
            "People, places and what must not be forgotten. They are always read. Up to 300 characters.",
        ),
        "num_candidates": ("Number of candidates", "How many different candidates to write."),
        "max_new_tokens": ("Maximum length", "The most tokens in a candidate. A token is about two Korean letters."),
    },
    "output": {"candidates": ("Candidates", "Different things that happen next, each one to three sentences.")},
    "labels": {
        "일상": "Everyday life",
        "로맨스": "Romance",
        "추리": "Mystery",
        "판타지": "Fantasy",
        "SF": "Science fiction",
        "공포": "Horror",
        "역사": "History",
        "동화": "Fairy tale",
        "무협": "Martial arts",
        "코미디": "Comedy",
        "학원물": "School",
        "가족": "Family",
        "스릴러": "Thriller",
    },
}


def relay_novel(input: RelayNovelInput) -> RelayNovelOutput:
    """릴레이 소설

    이야기를 함께 이어 씁니다. 지금까지의 이야기와 방금 쓴 문장을 주면 다음에 일어날 법한 일을 여러 가지로 써 보입니다.
    """
    *_, last = stream(input)
    return last


def stream(input: RelayNovelInput) -> Iterator[RelayNovelOutput]:
    """Partial outputs as candidates grow; the last one holds those that were chosen."""
    sentence = required(input.sentence, "sentence").replace("\n", " ")
    pool: list[str] = []
    chosen: list[str] = []
    for attempt in range(_ROUNDS):
        growing: list[str] = []
        for samples in models.generate(_request(input, sentence, attempt)):
            growing = [clean(sample.text) for sample in samples]
            shown = [*chosen, *(text for text in growing if _presentable(text))][: input.num_candidates]
            yield RelayNovelOutput(candidates=shown)
        pool += [text for text in map(_cut, growing) if _presentable(text) and text != sentence]
        chosen = _distinct(_ranked(pool, input, sentence), stems(sentence), input.num_candidates)
        if len(chosen) == input.num_candidates or input.temperature == 0:
            break
    yield RelayNovelOutput(candidates=chosen)


def _request(input: RelayNovelInput, sentence: str, attempt: int) -> Generation:
    notes, story = _told(input, sentence)
    return Generation(
        prompt=prompt(input.genre, notes, story, sentence),
        plain=[Special("<s>"), f"{story} {sentence}".strip()],
        adapter="relay_novel",
        adapter_optional=True,
        num_samples=input.num_candidates + _MORE,
        min_new_tokens=6,
        no_repeat_ngram=4,
        newline_ends=True,
        **{**input.options(), "seed": None if input.seed is None else input.seed + attempt * 7919},
    )


def _told(input: RelayNovelInput, sentence: str) -> tuple[str, str]:
    """The notes, and what of the story fits beside them and the newest sentence."""
    notes = clean(input.notes).replace("\n", " ")
    room = max(200, _ROOM - len(notes) - len(sentence))
    return notes, excerpt(clean(input.story), room, f"{notes} {sentence}")


def _cut(text: str) -> str:
    """The first sentences of `text`, the last one whole; empty if none ends in it."""
    whole = text[: last_sentence_end(text)]
    return " ".join(sentences(whole)[:_SENTENCES]) if whole else ""


def _presentable(text: str) -> bool:
    return bool(text) and not is_abusive(text)


def _ranked(pool: list[str], input: RelayNovelInput, sentence: str) -> list[str]:
    """Best first: what the newest sentence makes likelier; where the base cannot tell, what takes up its words."""
    pool = list(dict.fromkeys(pool))
    try:
        gains = _gains(pool, input, sentence)
    except (CheckpointError, TooLarge):  # a base without the adapter, or one that another server runs
        return _by_words(pool, input, sentence)
    return [text for _, text in sorted(zip(gains, pool, strict=True), key=lambda pair: -pair[0])]


def _gains(pool: list[str], input: RelayNovelInput, sentence: str) -> list[float]:
    """How much likelier each of `pool` is after the newest sentence than after the one before it, as nats a token."""
    notes, story = _told(input, sentence)
    *earlier, before = sentences(story) if story else [_NEUTRAL]
    newest, older = prompt(input.genre, notes, story, sentence), prompt(input.genre, notes, " ".join(earlier), before)
    scores = models.score([newest] * len(pool) + [older] * len(pool), pool * 2, "relay_novel")
    known, now = f"{input.notes} {input.story} {sentence}", stems(sentence)
    return [
        after.mean - _SHARE * without.mean + _TAKES_UP * min(2, len(stems(text) & now)) - _faults(text, known)
        for text, after, without in zip(pool, scores[: len(pool)], scores[len(pool) :], strict=True)
    ]


def _faults(text: str, known: str) -> float:
    """What counts against `text`, as nats a token: quotes that do not close, letters of another script, and people or
    matters that the story does not know.
    """
    open_quote = text.count('"') % 2 or text.count("“") != text.count("”") or text.count("‘") != text.count("’")
    return 2.0 * bool(_FOREIGN.search(text)) + 1.0 * bool(open_quote) + 0.4 * presumes(text, known)


def _by_words(pool: list[str], input: RelayNovelInput, sentence: str) -> list[str]:
    """Best first: what takes up the newest sentence's words, then the notes' and the story's, and does not say them
    again.
    """
    now, before = stems(sentence), stems(f"{input.notes} {input.story[-_ROOM:]}")

    def worth(text: str) -> float:
        words = stems(text)
        said = len(words & now) / max(1, len(words))
        return min(2, len(words & now)) + 0.5 * min(2, len(words & before)) - 3 * max(0.0, said - 0.5)

    return sorted(pool, key=worth, reverse=True)


def _distinct(ranked: list[str], common: set[str], count: int) -> list[str]:
    """Of `ranked` the first `count` that tell different things: few of their own words are another's, `common` ones
    apart.
    """
    chosen: list[str] = []
    for text in ranked:
        own = stems(text) - common
        if all(len(own & stems(other)) <= _ALIKE * len(own) for other in chosen) and len(chosen) < count:
            chosen.append(text)
    return chosen


def prompt(genre: str, notes: str, story: str, sentence: str) -> list[Special | str]:
    """`<unused14>` genre `<unused15>` notes `<unused16>` story `<unused17>` sentence `<unused18>`; notes and story
    may be empty.
    """
    return [
        Special("<unused14>"),
        genre,
        Special("<unused15>"),
        *([notes] if notes else []),
        Special("<unused16>"),
        *([story] if story else []),
        Special("<unused17>"),
        sentence,
        Special("<unused18>"),
    ]


def training_examples(row: dict[str, Any], rng: random.Random) -> Iterator[Example]:
    """A row has `genre`, `notes`, `story`, `sentence` and `candidates`; or `genre` and `text`, a story that is cut at
    sentences.

    A whole story teaches at most six turns a pass, each the next one to three sentences.
    """
    genre = str(row.get("genre") or "일상")
    if "candidates" in row:
        for candidate in row["candidates"]:
            if _presentable(candidate):
                yield Example(
                    prompt(genre, clean(row.get("notes") or ""), clean(row.get("story") or ""), clean(row["sentence"])),
                    candidate,
                )
        return
    told = [sentence for line in clean(row["text"]).split("\n") if line.strip() for sentence in sentences(line)]
    for i in sorted(rng.sample(range(1, len(told) - 1), min(6, len(told) - 2))) if len(told) > 2 else []:
        story = excerpt(" ".join(told[:i]), _ROOM - len(told[i]), told[i])
        yield Example(prompt(genre, "", story, told[i]), " ".join(told[i + 1 : i + 1 + rng.choice((1, 2, 2, 3))]))
