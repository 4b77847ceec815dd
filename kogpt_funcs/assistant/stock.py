"""The last price of a Korean share, from the JSON that Naver's own pages read (it is not documented). Never a
forecast.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from kogpt_funcs.assistant.asked import Answer, Asked, is_request, remainder, squeezed
from kogpt_funcs.assistant.web import Unreachable, get_json, in_time
from kogpt_funcs.contract import settings

_ASKS = re.compile(r"주가|주식|시세|종가")
_WORDS = (
    r"(?:현재|지금|오늘)(?:은|는|의)?|주가(?:가|는|를|좀)?|주식(?:이|은|을|의|좀)?|시세(?:가|는|를|좀)?|"
    r"종가(?:가|는|를|좀)?|가격(?:이|은|을|좀)?|한주(?:에|당)?|1주(?:에|당)?|"
    r"(?:오를까|내릴까|떨어질까|전망|예측|예상|사도될까|뭐살까|살까|팔까|추천(?:해|종목)?|종목|올라|내려)(?:요)?"
)
_FORECAST = re.compile(r"오를|내릴|떨어질|전망|예측|예상|사도될|살까|팔까|추천|내일")
_SENTENCE = re.compile(r"(?:은데|는데|니까|아서|어서|해서|지만|으면|면|고|다|죠|네|게|하는|했어|됐어|망했어)$")


_NO_FORECAST = (
    "주가가 앞으로 어떻게 될지는 아무도 알 수 없어서 예측이나 추천은 하지 않아요. 지금 가격은 "
    "‘삼성전자 주가 알려 줘’처럼 물어보면 찾아볼게요."
)


class Quote(NamedTuple):
    name: str
    price: str  # in won, with commas
    change: float  # since the day before, signed
    percent: float
    at: str  # 11월 24일 15시 30분


def price(asked: Asked) -> Answer | None:
    """`삼성전자 주가 알려 줘`, `카카오 주식 얼마야`; not `주식으로 돈을 잃었어`."""
    text = squeezed(asked.message)
    asks = is_request(text) or re.search(r"(?:주가|시세|종가)(?:는|은)?$", text) or _FORECAST.search(text)
    if not _ASKS.search(text) or not asks:
        return None
    words = remainder(text.replace("내일", ""), _WORDS).split()
    if len(words) > 1 or (words and (len(words[0]) > 20 or _SENTENCE.search(words[0]))):
        return None
    if _FORECAST.search(text):
        return Answer("stock", _NO_FORECAST)
    if not words:
        return Answer("stock", "어느 회사의 주가가 궁금한가요? ‘삼성전자 주가 알려 줘’처럼 물어봐 주세요.")
    try:
        quote = in_time(lambda: _quote(words[0]))
    except Unreachable:
        return Answer("stock", "지금은 주가를 가져올 수 없어요. 잠시 뒤에 다시 물어봐 주세요.")
    return Answer(
        "stock", _told(quote) if quote else f"‘{words[0]}’라는 종목을 찾지 못했어요. 회사 이름을 정확히 적어 주세요."
    )


def _quote(name: str) -> Quote | None:
    code = name if re.fullmatch(r"\d{6}", name) else _code(name)
    if code is None:
        return None
    found = get_json(f"{settings.current().stock_url}/api/stock/{code}/basic")
    change = _number(found["compareToPreviousClosePrice"])
    falls = str((found.get("compareToPreviousPrice") or {}).get("code")) in ("4", "5")
    change, percent = (
        (-abs(change), -abs(_number(found["fluctuationsRatio"])))
        if falls
        else (change, _number(found["fluctuationsRatio"]))
    )
    return Quote(
        str(found["stockName"]),
        f"{_number(found['closePrice']):,.0f}",
        change,
        percent,
        _at(str(found["localTradedAt"])),
    )


def _code(name: str) -> str | None:
    """The code of the Korean share of that name, or of the first one whose name begins so."""
    found = get_json(settings.current().stock_search_url, q=name, target="stock").get("items") or []
    korean = [
        item
        for item in found
        if item.get("nationCode") == "KOR" and re.fullmatch(r"[0-9A-Z]{6}", str(item.get("code")))
    ]
    wanted = name.lower()
    same = [item for item in korean if str(item["name"]).replace(" ", "").lower() == wanted]
    like = [item for item in korean if str(item["name"]).replace(" ", "").lower().startswith(wanted)]
    return next((str(item["code"]) for item in (*same, *like)), None)


def _told(quote: Quote) -> str:
    if quote.change == 0:
        moved = "전날과 같아요"
    else:
        moved = (
            f"전날보다 {abs(quote.change):,.0f}원({abs(quote.percent):.2f}%) "
            f"{'올랐어요' if quote.change > 0 else '내렸어요'}"
        )
    return f"{quote.name}의 주가는 {quote.price}원이고, {moved}. ({quote.at} 기준)"


def _number(text: Any) -> float:
    return float(str(text).replace(",", ""))


def _at(stamp: str) -> str:
    date, _, clock = stamp.partition("T")
    _, month, day = date.split("-")
    hour, minute = clock.split(":")[:2]
    return f"{int(month)}월 {int(day)}일 {int(hour)}시 {int(minute)}분"
