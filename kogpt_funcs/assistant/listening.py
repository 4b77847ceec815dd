"""What a listener says where nothing better fits: to a question, a resolve, a wish or a feeling. Our own words.

They take nothing for granted, so they fit almost anywhere; they say little, so they come last.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

_THANKS = re.compile(r"고마워|고맙|감사(?:해|합|드)")
_QUESTION = re.compile(r"\?|(?:까|까요|나요|가요|니|냐|죠|지|하지|어떡해|어떡해요|어때|어때요)[.~!ㅠㅜ]*$|모르겠")
_RESOLVE = re.compile(
    r"([가-힣])게요?[.!~ㅎ]*$|야겠(?:다|어|네|지)|야지(?:요)?[.!~]*$|기로 했|(?:해|가|와) ?볼래|할래요?[.!~]*$"
)
_GOODBYE = re.compile(r"(?:잘 ?자|잘래|자러|안녕히|다음에 (?:봐|또)|이만|갈게|들어갈게)")
_WISH = re.compile(r"면 좋겠|고 싶(?:다|어|네)")
_SURE = {"기쁨": 0.85, "일상": 2.0}  # how sure a feeling must be to be named; others from _FELT
_FELT = 0.55

LISTENING = {
    "thanks": (
        "들려줘서 저도 고마워요. 또 이야기하고 싶어지면 언제든 불러 주세요.",
        "고맙다는 말이 반가워요. 오늘 남은 시간은 조금 편안했으면 해요.",
    ),
    "goodbye": (
        "오늘 이야기 들려줘서 고마워요. 편안하게 쉬어요.",
        "그래요, 오늘은 여기까지 해요. 푹 쉬고 또 이야기해요.",
    ),
    "resolve": (
        "좋은 생각이에요. 할 수 있는 만큼만 천천히 해 봐요.",
        "그렇게 마음먹은 것만으로도 한 걸음이에요. 하고 나서 어땠는지 들려주세요.",
        "그렇게 해 봐요. 생각대로 안 되어도 괜찮아요.",
        "스스로 정했다는 게 제일 든든해요. 응원할게요.",
    ),
    "wish": (
        "그렇게 되면 정말 좋겠네요. 이루어지면 제일 먼저 뭘 하고 싶어요?",
        "바라는 게 있다는 건 좋은 일이지요. 어떤 모습을 떠올리고 있어요?",
    ),
    "question": (
        "정답을 딱 말하기는 어렵지만, 같이 생각해 볼 수는 있어요. 지금 마음이 더 가는 쪽은 어디예요?",
        "쉽게 답이 나오지 않는 물음이네요. 제일 걸리는 것 하나만 먼저 꺼내 볼까요?",
        "저도 확실히는 몰라요. 그래도 그렇게 묻는 걸 보니 많이 생각해 본 것 같아요.",
        "제가 정해 줄 수는 없지만, 하나씩 따져 보면 조금 가벼워져요. 무엇부터 이야기해 볼까요?",
    ),
    "불안": (
        "그 생각이 자꾸 떠오르면 마음이 쉴 틈이 없지요. 지금 제일 걱정되는 건 뭐예요?",
        "그럴 만해요. 걱정은 말로 꺼내면 조금 작아지기도 해요.",
        "마음이 편하지 않겠어요. 무엇이 제일 걸리는지 조금 더 들려주세요.",
    ),
    "슬픔": (
        "그 이야기를 꺼내기가 쉽지 않았을 거예요. 천천히 이어서 들려주세요.",
        "마음이 많이 아팠겠어요. 지금은 슬픈 만큼 슬퍼해도 괜찮아요.",
        "그럴 때는 아무 말도 하기 싫어지기도 하지요. 여기서는 서두르지 않아도 돼요.",
    ),
    "분노": (
        "그런 일을 겪으면 화가 나는 게 당연해요. 어떤 점이 제일 속상했어요?",
        "참느라 애썼겠어요. 하고 싶었던 말을 여기다 먼저 해 봐요.",
        "듣고 보니 속상할 만해요. 조금 더 들려주세요.",
    ),
    "우울": (
        "많이 지쳤나 봐요. 오늘은 조금 덜 해도 괜찮아요.",
        "기운이 나지 않는 날도 있지요. 지금은 견디고 있는 것만으로도 괜찮아요.",
        "그렇게 느껴질 만큼 오래 애써 왔나 봐요. 요즘 조금이라도 편한 때가 있어요?",
    ),
    "기쁨": (
        "듣기만 해도 반가운 이야기예요. 그때 기분이 어땠어요?",
        "좋은 일이네요! 조금 더 자랑해 주세요.",
        "그 기분이 오래갔으면 좋겠어요. 누구에게 제일 먼저 알리고 싶어요?",
    ),
    "일상": (
        "그렇군요. 이야기를 조금 더 들려주세요.",
        "그렇군요. 어떤 마음인지 조금 더 듣고 싶어요.",
        "듣고 있어요. 지금 마음은 어떤지도 궁금해요.",
        "이야기를 들으니 조금 더 알 것 같아요. 하고 싶은 말이 더 있으면 편하게 해 주세요.",
        "그랬군요. 그 이야기를 조금 더 듣고 싶어요.",
    ),
}


def kind(message: str, emotions: Mapping[str, float]) -> str:
    """What `message` is: thanks, a goodbye, a resolve, a question, a wish, or the feeling it shows."""
    found = _RESOLVE.search(message)
    resolve = found and (found[1] is None or (ord(found[1]) - ord("가")) % 28 == 8)  # ㄹ, as in 할게
    if _THANKS.search(message):
        return "thanks"
    if _GOODBYE.search(message):
        return "goodbye"
    if resolve:
        return "resolve"
    if _QUESTION.search(message):
        return "question"
    if _WISH.search(message):
        return "wish"
    return next((feeling for feeling, share in emotions.items() if share >= _SURE.get(feeling, _FELT)), "일상")


def listening(message: str, emotions: Mapping[str, float], rng: random.Random) -> list[str]:
    """What may be said to `message`, in an order drawn by `rng`: what fits its kind first, what fits anything last."""
    first = list(LISTENING[kind(message, emotions)])
    rng.shuffle(first)
    others = list(LISTENING["일상"])
    rng.shuffle(others)
    return list(dict.fromkeys((*first, *others)))
