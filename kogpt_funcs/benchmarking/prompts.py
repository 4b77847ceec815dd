"""The texts that every engine continues: Korean, different from each other, of a given number of tokens."""

from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

from kogpt_funcs.models import Special
from kogpt_funcs.models.tokenizers import read_tokenizer
from kogpt_funcs.models.tokenizers.tokenizer import Tokenizer

_SENTENCES = (
    "어느 날 아침, 그는 낯선 편지 한 통을 받았다.",
    "두 사람은 작은 마을에서 함께 자랐다.",
    "비가 오는 날이면 할머니는 늘 옛날이야기를 해 주셨다.",
    "인생을 즐겁게 살기 위해서는 친구가 있어야 한다.",
    "기차는 제시간에 도착했지만 기다리던 사람은 오지 않았다.",
    "올해 여름은 유난히 길고 더웠다.",
    "그 영화는 배우들의 연기가 무척 좋았다.",
    "아이들은 운동장에서 해가 질 때까지 뛰어놀았다.",
    "새로 산 책을 펼치자 오래된 사진이 떨어졌다.",
    "바다 건너 섬에는 아무도 살지 않는다고 했다.",
    "시장 골목 끝에 작은 국숫집이 하나 있었다.",
)


class Prompt(NamedTuple):
    """One text to continue, and its ids with `<s>` in front."""

    text: str
    ids: list[int]


def prompts(folder: Path, count: int, tokens: int) -> list[Prompt]:
    """`count` prompts of `tokens` tokens (never more) by the tokenizer in `folder`."""
    tokenizer = read_tokenizer(folder)
    return [_prompt(tokenizer, i, tokens) for i in range(count)]


def _prompt(tokenizer: Tokenizer, first: int, tokens: int) -> Prompt:
    text = f"{first + 1}. " + " ".join(islice(cycle(_SENTENCES), first, first + 2 + tokens // 4))
    longest, best = len(text), Prompt("", [])
    for end in range(1, longest):
        ids = tokenizer.encode([Special("<s>"), text[:end].rstrip()])
        if len(ids) > tokens:
            break
        best = Prompt(text[:end].rstrip(), ids)
    return best
