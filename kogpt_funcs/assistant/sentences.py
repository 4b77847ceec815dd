"""What the companion says of itself, word for word: to somebody in a crisis, to abuse, and where it has no answer."""

from __future__ import annotations

import re

CRISIS = (
    "말해 줘서 고마워요. 그 말을 꺼내기까지 얼마나 힘들었을지, 가볍게 듣지 않을게요. 지금은 혼자 견디지 "
    "않았으면 해요.\n"
    "지금 바로 이야기할 수 있는 곳이 있어요. 밤에도 받고, 돈이 들지 않아요.\n"
    "· 자살예방 상담전화 109 (24시간, 전화와 문자)\n"
    "· 청소년상담전화 1388 (24시간)\n"
    "· 이미 다쳤거나 약을 먹었거나 지금 위험하다면 119\n"
    "가까이에 있는 사람에게 ‘지금 같이 있어 줘’라고 한마디만 해도 좋아요. 위험한 물건이나 장소에서는 잠시 "
    "떨어져 있어 주세요. "
    "곁의 다른 사람이 걱정되는 거라면, 혼자 두지 말고 같은 번호로 함께 전화해 주세요."
)
#: To what is said right after a crisis, whatever it is: no chatter then.
AFTER_CRISIS = (
    "계속 이야기해 줘서 고마워요. 저는 프로그램이라 곁에 있지는 못하지만, 지금 안전한 곳에 있는지 걱정돼요. "
    "109에는 무슨 말부터 해야 할지 몰라도 괜찮아요. ‘힘들어서 전화했어요’ 한마디면 돼요. 위급하면 바로 "
    "119를 불러 주세요."
)
_INSULTED = "그런 말을 들으면 이야기를 이어 가기가 어려워요. 화나는 일이 있었다면, 무슨 일이었는지 들려주세요."
_SWORN = "많이 화가 나는 일이 있었나 봐요. 험한 말은 잠시 내려놓고, 무슨 일이 있었는지 차근차근 들려주세요."
NO_ANSWER = (
    "그 말에는 제가 아직 마땅한 대답을 찾지 못했어요. 조금 더 자세히 들려주세요.",
    "제가 잘 알아듣지 못했어요. 다른 말로 한 번만 더 이야기해 주세요.",
    "아직 뭐라고 답해야 할지 모르겠어요. 지금 어떤 마음인지 알려 주세요.",
    "이 이야기는 제가 배운 말로는 답하기가 어려워요. 계속 듣고 있을게요.",
)
_AT_ME = re.compile(
    r"^(?:야|이|너|넌|네|니|닥|꺼|뒤|병|븅|개|미친|씹|썅)|(?:너|니|네가|니가|새끼|놈|년)(?:야|아|이|는|들|지|"
    r"냐|[\s!.?~]|$)"
)


def calm(message: str) -> str:
    """The answer to an abusive `message`: one thrown at the companion, or one sworn to itself."""
    return _INSULTED if _AT_ME.search(message) and len(message) <= 20 else _SWORN
