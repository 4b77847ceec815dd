"""The weather by Open-Meteo, which asks for no key; places by its geocoding."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from kogpt_funcs.assistant.asked import Answer, Asked, is_request, remainder, squeezed
from kogpt_funcs.assistant.web import Unreachable, get_json, in_time
from kogpt_funcs.contract import settings

_DAYS = {"모레": 2, "내일": 1, "오늘": 0}
_ASKS = re.compile(
    r"날씨|기온|미세먼지|(?:비|눈)(?:가|이)?(?:오나|올까|오니|온대|옵니까|오나요|올까요)\??$|(?:비|눈)(?:가|"
    r"이)?와요?\?$|몇도"
)
_BARE = re.compile(r"(?:날씨|기온)(?:는|은)?$|몇도")
_WORDS = (
    r"미세먼지(?:는|가|농도)?|날씨(?:가|는|은|를|좀|예보|정보)?|기온(?:이|은|을|좀)?|(?:비|눈)(?:가|"
    r"이)?(?:와요|와|오나요|오나|올까요|올까|오니|온대|옵니까)|몇도(?:예요|에요|야|니|인가요|지|쯤|정도)?|"
    r"일기예보|예보|"
    r"(?:오늘|내일|모레|지금|현재|이따|아침|점심|저녁|밤|주말)(?:은|는|에|의)?|바깥|밖(?:에|은)?|춥(?:나|니|"
    r"나요)|덥(?:나|니|나요)"
)
_SENTENCE = re.compile(
    r"(?:은데|는데|니까|아서|어서|여서|해서|지만|으면|라면|면|고|다|죠|네|서|게|지|자|걸|줄|때|째)$|까|거기|여기"
)
_PARTICLE = re.compile(r"(?:에서|에는|에|의|쪽|은|는|이|가)$")
_SEOUL = "서울"

#: WMO 4677 codes, as Open-Meteo gives them.
_SKY = {
    0: "맑음",
    1: "대체로 맑음",
    2: "구름 조금",
    3: "흐림",
    45: "안개",
    48: "서리 안개",
    51: "약한 이슬비",
    53: "이슬비",
    55: "강한 이슬비",
    56: "어는 이슬비",
    57: "강한 어는 이슬비",
    61: "약한 비",
    63: "비",
    65: "강한 비",
    66: "어는 비",
    67: "강한 어는 비",
    71: "약한 눈",
    73: "눈",
    75: "많은 눈",
    77: "싸락눈",
    80: "약한 소나기",
    81: "소나기",
    82: "강한 소나기",
    85: "약한 소낙눈",
    86: "강한 소낙눈",
    95: "뇌우",
    96: "우박을 동반한 뇌우",
    99: "큰 우박을 동반한 뇌우",
}


class Place(NamedTuple):
    name: str
    latitude: float
    longitude: float


def weather(asked: Asked) -> Answer | None:
    """`부산 날씨 어때`, `내일 제주도 날씨 알려 줘`; Seoul's where no place is named. Not `날씨가 좋아서 걸었어`."""
    text = squeezed(asked.message) + ("?" if asked.message.rstrip().endswith("?") else "")
    asked_for = _ASKS.search(text)
    text = text.rstrip("?")
    if not asked_for or not (is_request(text) or _BARE.search(text) or asked_for[0][0] in "비눈"):
        return None
    words = remainder(text, _WORDS).split()
    named = _PARTICLE.sub("", words[0]) if words else ""
    if len(words) > 1 or len(named) > 10 or _SENTENCE.search(named):
        return None
    if "미세먼지" in text:
        return Answer("weather", "미세먼지 농도는 제가 확인할 수 없어요. 에어코리아(airkorea.or.kr)에서 볼 수 있어요.")
    day = next((days for word, days in _DAYS.items() if word in text), 0)
    try:
        return Answer("weather", in_time(lambda: _told(named, day)))
    except Unreachable:
        return Answer("weather", "지금은 날씨 정보를 가져올 수 없어요. 잠시 뒤에 다시 물어봐 주세요.")


def _told(named: str, day: int) -> str:
    place = _place(named or _SEOUL)
    if place is None:
        return f"‘{named}’라는 곳을 찾지 못했어요. 시나 군 이름으로 다시 물어봐 주세요."
    found = get_json(
        settings.current().weather_url,
        latitude=place.latitude,
        longitude=place.longitude,
        timezone="Asia/Seoul",
        forecast_days=3,
        current="temperature_2m,relative_humidity_2m,weather_code,wind_speed_10m",
        daily="weather_code,temperature_2m_max,temperature_2m_min,precipitation_probability_max",
        wind_speed_unit="ms",
    )
    hint = "" if named else " 다른 곳은 ‘부산 날씨’처럼 물어봐 주세요."
    return (_later(place, found["daily"], day) if day else _now(place, found)) + hint


def _place(name: str) -> Place | None:
    """The place of that name, one in Korea before others; a town is often known with 시 behind its name alone."""
    for spelling in (name, f"{name}시"):
        found = (
            get_json(settings.current().geocoding_url, name=spelling, count=10, language="ko", format="json").get(
                "results"
            )
            or []
        )
        for place in sorted(found, key=lambda place: place.get("country_code") != "KR"):
            return Place(str(place["name"]), float(place["latitude"]), float(place["longitude"]))
    return None


def _now(place: Place, found: dict[str, Any]) -> str:
    now, daily = found["current"], found["daily"]
    return (
        f"{place.name}, 지금은 {_sky(now['weather_code'])}, 기온 {float(now['temperature_2m']):.0f}도예요. "
        f"습도는 {float(now['relative_humidity_2m']):.0f}%, 바람은 초속 {float(now['wind_speed_10m']):.0f}m이고, "
        f"오늘은 {_range(daily, 0)}, 비나 눈이 올 확률은 {_chance(daily, 0)}예요."
    )


def _later(place: Place, daily: dict[str, Any], day: int) -> str:
    word = next(word for word, days in _DAYS.items() if days == day)
    return (
        f"{place.name}, {word} 예보는 {_sky(daily['weather_code'][day])}, {_range(daily, day)}예요. 비나 "
        f"눈이 올 확률은 {_chance(daily, day)}예요."
    )


def _range(daily: dict[str, Any], day: int) -> str:
    low, high = float(daily["temperature_2m_min"][day]), float(daily["temperature_2m_max"][day])
    return f"최저 {low:.0f}도, 최고 {high:.0f}도"


def _chance(daily: dict[str, Any], day: int) -> str:
    return f"{float(daily['precipitation_probability_max'][day]):.0f}%"


def _sky(code: Any) -> str:
    return _SKY.get(int(code), "알 수 없는 날씨")
