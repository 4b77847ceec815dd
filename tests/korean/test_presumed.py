"""What a reply takes for granted: nobody and nothing that the person has not spoken of."""

from __future__ import annotations

import pytest

from kogpt_funcs.korean.presumed import asks_what_was_said, presumes


@pytest.mark.parametrize(
    ("reply", "talk"),
    [
        ("아이는 예쁜데 눈물이 흐르니 당황스러우시죠.", "요즘 자꾸 이유 없이 눈물이 나요"),
        ("엄마 기침 한 번에도 귀가 서는군요.", "강아지가 아파요 큰 병일까 봐 무서워요"),
        ("교실이 넓은데 내 자리만 좁지요.", "회사에서 왕따 당하는 것 같아"),
        ("열세 살이면 함께한 시간이 길군요.", "강아지가 아파요 열 살이에요"),
        ("두 달 동안 걷기만 해도 힘들지요.", "취업 준비 2년째인데 지친다"),
        ("축가라도 부를 거예요?", "전 남자친구가 생각나"),
        ("따님한테 문자 한 통 어떠세요?", "동네가 너무 조용해요"),
    ],
)
def test_what_nobody_said_is_noticed(reply: str, talk: str) -> None:
    assert presumes(reply, talk)


@pytest.mark.parametrize(
    ("reply", "talk"),
    [
        ("캠퍼스에 내 자리가 생겼네요, 축하해요!", "딸이 대학에 합격했어요!"),
        ("아이가 웃는 것만 봐도 힘이 나지요.", "딸이 걷기 시작했어요"),
        ("아이스크림이라도 하나 먹어요.", "너무 더워요"),
        ("한 시간만 쉬어요. 한 번에 다 하지 않아도 돼요.", "할 일이 많아요"),
        ("7년을 버텼군요.", "빚을 7년 만에 갚았어요"),
        ("회사에서 힘든 하루였군요.", "팀장님이 소리를 질렀어요"),
        ("딸기 좋아해요?", "과일 먹고 싶어요"),
    ],
)
def test_what_follows_from_the_talk_passes(reply: str, talk: str) -> None:
    assert not presumes(reply, talk)


def test_what_was_told_is_not_asked_again() -> None:
    assert asks_what_was_said("이름이 뭐예요?", "고양이를 데려왔어요 이름은 보리예요")
    assert asks_what_was_said("발표는 언제예요?", "내일 발표가 있어요")
    assert not asks_what_was_said("이름이 뭐예요?", "고양이를 데려왔어요")
