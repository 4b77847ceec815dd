"""The time and the date in Korea."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kogpt_funcs.assistant.asked import Answer, Asked, remainder, squeezed

KST = ZoneInfo("Asia/Seoul")
_WEEKDAYS = "월화수목금토일"
_TIME = (
    r"몇시(?:몇분)?(?:예요|에요|이에요|인가요|인지|입니까|니|야|지|죠|임|냐|인데|쯤)?|(?:현재|"
    r"지금)?(?:시간|시각)(?:이|은|을|좀)?|시계(?:를|좀)?|(?:한국|서울)(?:은|는)?"
)
_ASKS_TIME = re.compile(r"몇시|시간|시각|시계")
_DATE = (
    r"(?:몇월)?(?:며칠|몇일|몇날)(?:이에요|예요|인가요|인지|입니까|이니|이야|이지|이죠|임|이냐|날)?|몇월|"
    r"날짜(?:가|는|를|좀)?|(?:무슨|어느|뭔)(?:요일|날)(?:이었어요|이었어|이었지|이었더라|이었나|이에요|"
    r"예요|인가요|인지|입니까|이니|이야|이지|이죠|임|이냐)?|"
    r"요일(?:이|은|을|좀)?|(?:그저께|그제|어제|오늘|내일|모레|글피)(?:은|는|이|의)?|달력"
)
_ASKS_DATE = re.compile(r"며칠|몇일|몇월|날짜|(?:무슨|어느|뭔)(?:요일|날)|요일")
_DAYS = {"그저께": -2, "그제": -2, "어제": -1, "오늘": 0, "내일": 1, "모레": 2, "글피": 3}


def time(asked: Asked) -> Answer | None:
    """`지금 몇 시야`, `시간 알려 줘`; not `회의 몇 시야` or `시간이 없어`."""
    text = squeezed(asked.message)
    bare = re.fullmatch(r"(?:시간|시각|시계)(?:이|은|는|을)?", text)
    if not _ASKS_TIME.search(text) or bare or remainder(text, _TIME):
        return None
    now = datetime.now(KST)
    half = "오전" if now.hour < 12 else "오후"
    return Answer("time", f"지금은 {half} {now.hour % 12 or 12}시 {now.minute}분이에요. (한국 시간)")


def date(asked: Asked) -> Answer | None:
    """`오늘 며칠이야`, `내일 무슨 요일이지`; not `며칠째 비가 와`."""
    text = squeezed(asked.message)
    if not _ASKS_DATE.search(text) or text == "요일" or remainder(text, _DATE):
        return None
    word = next((word for word in _DAYS if word in text), "오늘")
    day = datetime.now(KST) + timedelta(days=_DAYS[word])
    was = "이었어요" if _DAYS[word] < 0 else "이에요"
    return Answer(
        "date",
        f"{word}{'은' if word in ('오늘', '내일') else '는'} {day.year}년 {day.month}월 {day.day}일 "
        f"{_WEEKDAYS[day.weekday()]}요일{was}.",
    )
