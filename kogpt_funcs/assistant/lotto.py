"""Lottery numbers drawn at random: six of 1 to 45 and a bonus."""

from __future__ import annotations

import re

from kogpt_funcs.assistant.asked import Answer, Asked, is_request, squeezed

_ASKS = re.compile(r"번호|뽑|추천|골라|찍어|자동|추첨|생성")
_DRAWN = re.compile(r"당첨번호|이번주번호|저번주|지난주|지난회|몇회|\d+회")
_TOLD = re.compile(r"(?:당첨됐|됐어|됐다|샀어|샀다|맞았|틀렸|꽝)")


def numbers(asked: Asked) -> Answer | None:
    """`로또 번호 뽑아 줘`, `추천해 줘 로또 번호`; not `로또에 당첨되면 좋겠다`."""
    text = squeezed(asked.message)
    wish = is_request(text) or re.search(
        r"(?:뽑아|추천해|골라|찍어|추첨해|생성해|만들어)(?:줘|주|봐|줄|라)?|(?:추천|번호|자동|추첨)$", text
    )
    if "로또" not in text or not _ASKS.search(text) or _TOLD.search(text) or not wish:
        return None
    if _DRAWN.search(text):
        return Answer(
            "lotto", "추첨된 당첨 번호는 제가 알 수 없어요. 동행복권 누리집(dhlottery.co.kr)에서 확인해 주세요."
        )
    *six, bonus = asked.rng.sample(range(1, 46), 7)
    return Answer(
        "lotto",
        f"{', '.join(map(str, sorted(six)))}, 보너스 {bonus}번이에요. 무작위로 뽑은 번호라 당첨과는 상관없으니 "
        f"재미로만 봐 주세요.",
    )
