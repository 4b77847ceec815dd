"""문체 바꾸기: say the same in another style."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field

from kogpt_funcs import models
from kogpt_funcs.contract.fields import Sampling
from kogpt_funcs.korean.abuse import is_abusive
from kogpt_funcs.korean.consensus import lost, ranked
from kogpt_funcs.korean.renaming import renamed
from kogpt_funcs.korean.text import clean, required, sentences
from kogpt_funcs.models import Example, Generation, Special

Style = Literal[
    "존댓말",
    "반말",
    "안드로이드",
    "아재",
    "채팅",
    "초등학생",
    "이모티콘",
    "ENFP",
    "신사",
    "할아버지",
    "할머니",
    "중학생",
    "왕",
    "나루토",
    "선비",
    "소심한",
    "번역기",
]
#: SmileStyle's column names, in the order of Style.
COLUMNS = (
    "formal",
    "informal",
    "android",
    "azae",
    "chat",
    "choding",
    "emoticon",
    "enfp",
    "gentle",
    "halbae",
    "halmae",
    "joongding",
    "king",
    "naruto",
    "seonbi",
    "sosim",
    "translator",
)


class ChangeStyleInput(Sampling):
    text: str = Field(
        ...,
        min_length=1,
        max_length=300,
        title="글",
        examples=["저는 고양이를 여섯 마리 키워요."],
        description="바꿀 글입니다. 문장마다 따로 바꿉니다. 300자까지 받습니다.",
    )
    style: Style = Field("반말", title="문체", examples=["반말"], description="어떤 말투로 바꿀지 고릅니다.")
    num_samples: int = Field(
        1,
        ge=1,
        le=5,
        title="개수",
        examples=[1],
        description="2 이상이면 가장 그럴듯한 글 말고 다른 글도 함께 보여 줍니다.",
    )
    temperature: float = Field(
        0.7,
        ge=0.0,
        le=2.0,
        title="온도",
        examples=[0.7],
        description="다른 글이 얼마나 자유로울지 정합니다. 첫 글은 언제나 가장 그럴듯한 글입니다.",
    )
    repetition_penalty: float = Field(
        1.0,
        ge=1.0,
        le=2.0,
        title="반복 억제",
        examples=[1.0],
        description="1보다 클수록 이미 나온 토큰을 덜 씁니다. 원래 글의 낱말도 덜 쓰게 되니 1이 알맞습니다.",
    )


class ChangeStyleOutput(BaseModel):
    text: str = Field(..., title="바꾼 글", description="같은 뜻을 고른 문체로 쓴 글입니다.")
    alternatives: list[str] = Field(..., title="다른 글", description="첫 글과 다르게 바꾼 글들입니다.")


_SYLLABLE = re.compile("[가-힣]")
_POLITE = re.compile(r"(?:요|니다|니까|시오)[.!?~^…\s]*$")
#: Of these the first answer is chosen: the likeliest one and drawn ones, always the same draws.
_CANDIDATES = {"num_samples": 8, "greedy_first": True, "temperature": 0.6, "top_k": 50, "top_p": 1.0}
_ROUNDS = 3  # how often candidates are drawn while each has lost a number or a Latin word

EXAMPLES = [
    {"text": "저는 고양이를 여섯 마리 키워요.", "style": "반말"},
    {"text": "오늘 날씨 진짜 좋다. 같이 산책 갈래?", "style": "존댓말"},
    {"text": "내일은 조금 늦을 것 같아요.", "style": "나루토"},
    {"text": "저는 고양이를 여섯 마리 키워요.", "style": "왕"},
]

ENGLISH = {
    "title": "Change style",
    "description": "Keeps what is said and changes how: formal, casual and fifteen other ways of speaking Korean.",
    "input": {
        "text": ("Text", "The Korean text to rewrite, sentence by sentence. Up to 300 characters."),
        "style": ("Style", "The way of speaking to rewrite it in."),
        "num_samples": ("Number of texts", "From 2 on, other versions are shown beside the likeliest one."),
        "temperature": ("Temperature", "How free the other versions are. The first one is always the likeliest."),
        "repetition_penalty": (
            "Repetition penalty",
            "Above 1, tokens that have already been used become less likely, words of the original too. So 1 is best.",
        ),
    },
    "output": {
        "text": ("Rewritten text", "The same meaning in the chosen style."),
        "alternatives": ("Other versions", "Rewritten texts that differ from the first."),
    },
    "labels": {
        "존댓말": "Formal",
        "반말": "Casual",
        "안드로이드": "Android",
        "아재": "Middle-aged man",
        "채팅": "Chat",
        "초등학생": "Schoolchild",
        "이모티콘": "Emoticons",
        "ENFP": "ENFP",
        "신사": "Gentleman",
        "할아버지": "Grandfather",
        "할머니": "Grandmother",
        "중학생": "Teenager",
        "왕": "King",
        "나루토": "Naruto",
        "선비": "Classical scholar",
        "소심한": "Timid",
        "번역기": "Machine translation",
    },
}


def change_style(input: ChangeStyleInput) -> ChangeStyleOutput:
    """문체 바꾸기

    뜻은 그대로 두고 말투만 바꿉니다. 존댓말과 반말을 비롯한 열일곱 가지 문체로 씁니다.
    """
    *_, last = stream(input)
    return last


def stream(input: ChangeStyleInput) -> Iterator[ChangeStyleOutput]:
    """Partial outputs as the text grows, sentence by sentence; the last one is the answer."""
    done = [""] * input.num_samples
    for sentence, gap in _pieces(required(input.text)):
        written = [sentence] * input.num_samples
        if _SYLLABLE.search(sentence):  # what has no Korean in it has no style to change
            for written in _written(input, sentence):
                yield _output([before + text for before, text in zip(done, written, strict=True)])
        done = [before + text + gap for before, text in zip(done, written, strict=True)]
    yield _output([text.strip() for text in done])


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Each sentence of `text` with what follows it, a blank or a line break: one at a time keeps them all."""
    for line in text.split("\n"):
        *before, last = sentences(line)
        yield from ((sentence, " ") for sentence in before)
        yield last, "\n"


def _written(input: ChangeStyleInput, sentence: str) -> Iterator[list[str]]:
    """`sentence` in the style, then other versions, as they grow.

    While it grows, the first one is the likeliest candidate; in the end it is the one that the candidates agree on.
    """
    others = [""] * (input.num_samples - 1)
    candidates: list[str] = []
    first = ""
    for seed in range(_ROUNDS):
        for samples in models.generate(_request(input, sentence, {**_CANDIDATES, "seed": seed})):
            yield [first or samples[0].text.strip(), *others]
        candidates += [sample.text.strip() for sample in samples]
        first = next(iter(ranked(candidates, sentence)), sentence)
        if not lost(first, sentence):
            break
    if others:
        for samples in models.generate(_request(input, sentence, {**input.options(), "num_samples": len(others)})):
            others = [s.text.strip() for s in samples]
            yield [first, *others]
    yield [first, *others]


def _request(input: ChangeStyleInput, sentence: str, options: dict[str, Any]) -> Generation:
    limits = {"max_new_tokens": input.max_new_tokens, "repetition_penalty": input.repetition_penalty}
    return Generation(prompt=prompt(sentence, input.style), adapter="change_style", **{**limits, **options})


def _output(written: list[str]) -> ChangeStyleOutput:
    first, *others = written
    distinct = dict.fromkeys(text for text in others if text and text != first and not is_abusive(text))
    return ChangeStyleOutput(text=first, alternatives=list(distinct))


def prompt(text: str, style: str) -> list[Special | str]:
    """`<unused7>` text `<unused6>` style `<unused8>`."""
    return [Special("<unused7>"), text, Special("<unused6>"), style, Special("<unused8>")]


def training_examples(row: dict[str, Any], rng: random.Random) -> Iterator[Example]:
    """A row has one sentence for each style, in columns named as in SmileStyle; or lists under `formal` and `informal`.

    Each style is learned from 존댓말 and sometimes from 반말; these two from each other, twice, and sometimes from any
    style. In some pairs, names and numbers are replaced. A row that has only `text` teaches a base to copy: names and
    rare words must survive a change of style.
    """
    if "text" in row:
        sentence = clean(rng.choice(sentences(row["text"])))
        if 10 <= len(sentence) <= 120:
            yield Example(prompt(sentence, "그대로"), sentence)
        return
    said = {style: _sentences(row.get(column)) for style, column in zip(get_args(Style), COLUMNS, strict=True)}
    said = {style: sentences for style, sentences in said.items() if sentences}
    for source, style in _lessons(said, rng):
        before, after = rng.choice(said[source]), rng.choice(said[style])
        if style != "반말" or not _POLITE.search(after):  # some rows say 존댓말 in the column of 반말
            for pair in _aligned(before, after) if rng.random() < 0.5 else [(before, after)]:
                source_text, target = renamed(*pair, rng) if rng.random() < 0.4 else pair
                yield Example(prompt(source_text, style), target)


def _lessons(said: dict[str, list[str]], rng: random.Random) -> Iterator[tuple[str, str]]:
    """The (source style, style) that a row teaches."""
    for style in said:
        for source in [s for s in ("존댓말", "반말") if s != style and s in said]:
            if style in ("존댓말", "반말"):
                yield from [(source, style)] * (2 if len(said) > 2 else 1)
            elif source == "존댓말" or rng.random() < 0.3:
                yield source, style
        if style in ("존댓말", "반말") and len(said) > 2 and rng.random() < 0.3:
            yield rng.choice([other for other in said if other != style]), style


def _aligned(before: str, after: str) -> list[tuple[str, str]]:
    """The sentences of both texts in pairs, where they have as many: a text is changed sentence by sentence."""
    pairs = list(zip(sentences(before), sentences(after), strict=False))
    return pairs if len(sentences(before)) == len(sentences(after)) else [(before, after)]


def _sentences(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value] if value else []
    return [text for text in (clean(str(v)).replace("\n", " ") for v in values) if text and not is_abusive(text)]
