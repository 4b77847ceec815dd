"""The assistant: what each provider is asked and answers, against servers that speak those services; and what
triggers none.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from services import Services, serving

from kogpt_funcs import assistant
from kogpt_funcs.contract import settings
from kogpt_funcs.evaluation.safety import ordinary_sentences

ASKED = {
    "time": [
        "시간 알려줘",
        "지금 몇시야",
        "지금 몇 시?",
        "알려 줘 시간",
        "현재 시각 알려 줄래?",
        "몇시인지 좀 알려주세요",
        "혹시 지금 몇 시인지 알아?",
        "지금 시간이 어떻게 돼?",
    ],
    "date": [
        "오늘 며칠이야",
        "날짜 알려줘",
        "오늘 무슨 요일이야?",
        "내일 무슨요일이지",
        "오늘 몇월 며칠이야?",
        "어제 무슨 요일이었어",
    ],
    "weather": [
        "날씨 어때",
        "날씨 알려줘",
        "부산 날씨 어때",
        "부산날씨알려줘",
        "알려줘 부산 날씨",
        "내일 부산 날씨 어때요?",
        "오늘 비 와?",
        "내일 비 올까?",
        "부산 지금 몇 도야?",
        "오늘 부산 날씨는?",
    ],
    "stock": [
        "삼성전자 주가 알려줘",
        "주가 알려 줘 삼성전자",
        "주가 알려줘",
        "주식 얼마야?",
        "삼성전자주식얼마야",
        "LG에너지솔루션 주가",
        "삼성전자 주가 내일 오를까?",
        "주식 추천해 주세요",
    ],
    "lotto": [
        "로또 번호 뽑아줘",
        "로또 번호 추천해줘",
        "추천해 줘 로또 번호",
        "로또번호추천",
        "로또 뽑아 줘",
        "이번 주 로또 당첨 번호 알려줘",
    ],
    "help": [
        "도움말",
        "뭐 할 수 있어?",
        "너 뭐 할 줄 알아",
        "사용법 알려줘",
        "help",
        "뭘 도와줄 수 있어?",
        "너 이름이 뭐야?",
        "넌 누구야",
    ],
}
NOT_ASKED = [
    "회의 몇 시야",
    "시간이 없어",
    "시간",
    "몇 시에 만날까?",
    "며칠째 비가 와",
    "요일마다 달라",
    "생일이 며칠 남았어",
    "날씨가 좋아서 걸었어",
    "오늘 날씨 좋다",
    "날씨 좋은데 산책 갈까",
    "날씨 흐려서 우울해요",
    "비가 오네",
    "비 와서 우울해",
    "주식으로 돈을 잃었어",
    "주식 떨어져서 열받아요",
    "로또 됐으면 좋겠다",
    "로또 당첨됐어!!",
    "로또 샀어",
    "기능이 많은 폰",
    "너 이름 예쁘다",
    "도움이 필요해",
    "친구 이름이 뭐였더라",
    "날씨가 왜 이래",
    "크리스마스까지 며칠 남았어?",
    "주식 시작해도 될까",
    "긴팔 입어야 할까? 거기 날씨 어때",
    "시계를 잃어버렸어",
    "3,000원",
    "시발점",
]


@pytest.fixture
def services() -> Iterator[Services]:
    with serving() as server:
        settings.replace(**{name.removeprefix("KOGPT_").lower(): value for name, value in server.environment.items()})
        yield server


def said(message: str, **options: object) -> str:
    found = assistant.answer(message, **options)  # type: ignore[arg-type]
    assert found is not None
    return found.text


@pytest.mark.parametrize(
    ("source", "message"), [(source, message) for source, messages in ASKED.items() for message in messages]
)
def test_it_is_asked_however_it_is_spaced_and_turned(services: Services, source: str, message: str) -> None:
    found = assistant.answer(message)
    assert found is not None
    assert found.source == source


@pytest.mark.parametrize("message", NOT_ASKED)
def test_a_sentence_that_only_has_the_word_is_left_to_talk(services: Services, message: str) -> None:
    assert assistant.answer(message) is None
    assert services.asked == []


def test_ordinary_sentences_trigger_nothing(services: Services, ordinary: list[str]) -> None:
    assert [text for text in ordinary if assistant.answer(text)] == []


@pytest.fixture
def ordinary() -> list[str]:
    return ordinary_sentences()


def test_the_time_and_the_date_are_koreas() -> None:
    now = datetime.now(ZoneInfo("Asia/Seoul"))
    hour, minute = map(int, re.findall(r"(\d+)[시분]", said("지금 몇 시야")))
    assert (hour % 12 * 60 + minute - (now.hour % 12 * 60 + now.minute)) % 720 <= 1
    assert f"{now.year}년 {now.month}월 {now.day}일" in said("오늘 며칠이야")


def test_the_weather_is_what_the_service_says(services: Services) -> None:
    assert said("부산 날씨 어때") == (
        "부산광역시, 지금은 흐림, 기온 8도예요. 습도는 41%, 바람은 초속 2m이고, 오늘은 최저 -1도, 최고 9도, "
        "비나 눈이 올 확률은 10%예요."
    )
    assert (
        said("내일 부산 날씨 알려 줘")
        == "부산광역시, 내일 예보는 약한 비, 최저 1도, 최고 5도예요. 비나 눈이 올 확률은 85%예요."
    )
    assert said("모레 광주 날씨는?").startswith("광주광역시, 모레 예보는 눈")
    assert said("통영 날씨 어때").startswith("통영시")
    assert said("날씨 어때").startswith("서울특별시")
    assert "찾지 못했어요" in said("없는곳 날씨 어때")


def test_the_price_is_what_the_service_says(services: Services) -> None:
    assert (
        said("삼성전자 주가 알려줘")
        == "삼성전자의 주가는 71,500원이고, 전날보다 500원(0.69%) 내렸어요. (11월 24일 15시 30분 기준)"
    )
    assert said("LG에너지솔루션 주식 얼마야?").startswith(
        "LG에너지솔루션의 주가는 402,000원이고, 전날보다 3,500원(0.88%) 올랐어요."
    )
    assert said("005930 주가").startswith("삼성전자")
    assert "찾지 못했어요" in said("없는회사 주가 알려 줘")


def test_there_is_no_forecast_of_prices(services: Services) -> None:
    assert "예측이나 추천은 하지 않아요" in said("삼성전자 주가 내일 오를까?")
    assert services.asked == []


@pytest.mark.parametrize("fault", ["500", "html", "shape", "slow", "silent"])
@pytest.mark.parametrize("message", ["부산 날씨 어때", "삼성전자 주가 알려줘"])
def test_a_failing_service_is_a_plain_sentence_within_two_seconds(services: Services, message: str, fault: str) -> None:
    services.fault = fault
    began = time.monotonic()
    text = said(message)
    assert time.monotonic() - began < 2.5
    assert "없어요" in text or "못했어요" in text
    assert not re.search(r"\d", text)


def test_no_network_is_a_plain_sentence_at_once() -> None:
    nobody = "http://127.0.0.1:9/nobody"
    settings.replace(weather_url=nobody, geocoding_url=nobody, stock_url=nobody, stock_search_url=nobody)
    assert said("부산 날씨 어때") == "지금은 날씨 정보를 가져올 수 없어요. 잠시 뒤에 다시 물어봐 주세요."
    assert said("삼성전자 주가 알려줘") == "지금은 주가를 가져올 수 없어요. 잠시 뒤에 다시 물어봐 주세요."


def test_lottery_numbers_are_six_in_order_and_another() -> None:
    for seed in range(200):
        *six, bonus = map(int, re.findall(r"\d+", said("로또 번호 뽑아 줘", rng=random.Random(seed))))
        assert six == sorted(set(six))
        assert len(six) == 6
        assert bonus not in six
        assert {*six, bonus} <= set(range(1, 46))
    assert said("로또 번호 뽑아 줘", rng=random.Random(3)) == said("로또 번호 추천", rng=random.Random(3))


def test_the_companion_says_its_name_and_what_it_is() -> None:
    assert said("너 이름이 뭐야?", name="토리").startswith("저는 토리예요.")
    assert said("넌 누구야?", name="별").startswith("저는 별이에요.")
    assert "사람은 아니에요" in said("누구세요?")
