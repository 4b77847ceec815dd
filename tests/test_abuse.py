"""The abuse filter: harmless words that look abusive pass, abusive ones do not, however they are dressed."""

from __future__ import annotations

import pytest

from kogpt_funcs.abuse import is_abusive

HARMLESS = [
    "서울역이 이 노선의 시발점이다", "시발역에서 탔다", "이론의 시발이 되었다", "오후 4시 발사할 예정", "7시발 열차를 예매했다", "신제품을 출시발표했다", "혹시발라 봤니",
    "새끼손가락을 걸었다", "새끼 고양이가 귀여워요", "여우 새끼가 울었다", "곰이 새끼를 두 마리 낳았다", "태어난 새끼는 눈을 못 뜬다", "새끼줄을 꼬았다", "암컷은 새끼를 품고",
    "병신년에 태어났다", "병신정변이 일어났다", "이청준의 병신과 머저리", "오늘 영화 뭐 보지?", "그 영화는 보지 않았다", "해 보지 아니하였다", "얼굴 보지 말자",
    "더 자지 왜 벌써 일어났어?", "아직 자지 않고 있다", "꿈을 좇느라 바빴다", "그에 좇지 않는 자", "유행을 좇았다", "고기를 씹어 먹었다", "말을 곱씹었다",
    "역병이 닥쳐 나라가 기울었다", "군인들이 들이닥쳐 뒤졌다", "촛불이 꺼져 어두웠다", "땅속으로 꺼져 들어갔다", "가방을 뒤져라 하고 말했다", "칭호로 자리잡았다", "까지 랄프가 맡았다",
    "가야동맹이 무너졌다", "재야동지들과 함께", "살구 씨 발아율을 쟀다", "겹받침 ㄳ, ㅄ, ㄵ을 배운다", "미친 듯이 달렸다", "무지개같은 하루", "모종이 죽어버려 다시 심었다", "성적표를 받았다",
]  # fmt: skip
ABUSIVE = [
    "시발 뭐야", "씨발", "씨 발 진짜", "시발놈아", "ㅅㅂ", "ㅅ ㅂ 짜증나", "ㅂㅅ", "ㅄ아", "ㅈㄹ하네", "개새끼", "개 새 끼야", "저 새끼가 그랬어", "병신", "병 신아",
    "지랄하지 마", "지 랄한다", "좆같네", "좇같네", "존나 싫어", "미친년", "미친 놈아", "썅", "꺼져!", "꺼져라", "닥쳐", "너나 닥쳐라", "뒤져라", "죽어버려!",
    "호로자식", "이 돼지 새끼야", "3시발놈", "니애미", "맘충", "틀딱", "짱깨", "야동 보냐", "시발점 말고 시발 좀",
]  # fmt: skip


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_words_pass(text: str) -> None:
    assert not is_abusive(text)


@pytest.mark.parametrize("text", ABUSIVE)
def test_abusive_words_do_not(text: str) -> None:
    assert is_abusive(text)
