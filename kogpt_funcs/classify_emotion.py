"""감정 분류: read the emotion of a text."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any, Literal, cast, get_args

from pydantic import BaseModel, Field

from kogpt_funcs import models
from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.korean.text import clean, required
from kogpt_funcs.models import Labelled

_USUAL_THRESHOLD = 0.3  # of a fine emotion for which training chose none
Emotion = Literal["일상", "기쁨", "불안", "슬픔", "분노", "우울"]


class ClassifyEmotionInput(BaseModel):
    text: str = Field(
        ...,
        min_length=1,
        max_length=1000,
        title="글",
        examples=["내일 시험인데 하나도 못 했어. 어떡하지?"],
        description="감정을 읽을 글입니다. 1,000자까지 받습니다.",
    )
    threshold: float | None = Field(
        None,
        ge=0.0,
        le=1.0,
        title="문턱값",
        examples=[0.3],
        description="세부 감정 가운데 확률이 이 값 이상인 것만 보여 줍니다. 비우면 감정마다 알맞은 값을 씁니다.",
    )


class EmotionProbability(BaseModel):
    label: Emotion = Field(..., title="감정", description="여섯 감정 가운데 하나입니다.")
    probability: float = Field(..., ge=0, le=1, title="확률", description="여섯 감정의 확률을 더하면 1입니다.")


class FineEmotion(BaseModel):
    label: str = Field(..., title="세부 감정", description="KOTE의 44가지 감정 가운데 하나입니다.")
    probability: float = Field(..., ge=0, le=1, title="확률", description="이 감정이 글에 들어 있을 확률입니다.")


class ClassifyEmotionOutput(BaseModel):
    label: Emotion = Field(..., title="감정", description="가장 그럴듯한 감정입니다.")
    probabilities: list[EmotionProbability] = Field(..., title="여섯 감정", description="확률이 높은 것부터입니다.")
    fine_emotions: list[FineEmotion] = Field(
        ...,
        title="세부 감정",
        description="문턱값을 넘은 KOTE의 세부 감정입니다. 한 글에 여럿일 수 있습니다.",
    )


EXAMPLES = [
    {"text": "드디어 시험에 합격했어! 너무 기쁘다."},
    {"text": "내일 발표인데 하나도 준비를 못 했어. 어떡하지?"},
    {"text": "회의는 오후 세 시에 2층에서 합니다."},
]


def classify_emotion(input: ClassifyEmotionInput) -> ClassifyEmotionOutput:
    """감정 분류

    글에 담긴 감정을 여섯 가지로 나누어 확률과 함께 보여 주고, 더 잘게 나눈 감정도 찾습니다.
    """
    (scores,) = models.classify([required(input.text)], checkpoint="classify_emotion")
    if scores.keys() != LABEL_GROUPS.keys():
        there, wanted = ", ".join(scores), ", ".join(LABEL_GROUPS)
        raise CheckpointError(f"The classifier in weights/ has the label groups {there}; this needs {wanted}.")
    six = sorted(scores["six"].items(), key=lambda item: -item[1])
    fine = sorted(scores["kote"].items(), key=lambda item: -item[1])
    usual = models.thresholds("classify_emotion").get("kote", {}) if input.threshold is None else {}
    least = _USUAL_THRESHOLD if input.threshold is None else input.threshold
    sure = [(label, p) for label, p in fine if p >= usual.get(label, least)]
    return ClassifyEmotionOutput(
        label=cast(Emotion, six[0][0]),
        probabilities=[EmotionProbability(label=cast(Emotion, label), probability=round(p, 4)) for label, p in six],
        fine_emotions=[FineEmotion(label=label, probability=round(p, 4)) for label, p in sure],
    )


#: KOTE's 44 labels (Jeon et al. 2022) by the one of the six emotions they count towards.
KOTE = {
    "일상": ("없음", "깨달음", "신기함/관심", "비장함"),
    "기쁨": (
        "기쁨",
        "행복",
        "즐거움/신남",
        "고마움",
        "감동/감탄",
        "흐뭇함(귀여움/예쁨)",
        "뿌듯함",
        "환영/호의",
        "아껴주는",
        "존경",
        "편안/쾌적",
        "안심/신뢰",
        "기대감",
    ),
    "불안": ("불안/걱정", "공포/무서움", "당황/난처", "의심/불신", "부담/안_내킴", "놀람", "경악"),
    "슬픔": ("슬픔", "서러움", "불쌍함/연민", "안타까움/실망"),
    "분노": (
        "화남/분노",
        "증오/혐오",
        "짜증",
        "어이없음",
        "한심함",
        "불평/불만",
        "역겨움/징그러움",
        "지긋지긋",
        "우쭐댐/무시함",
    ),
    "우울": ("절망", "패배/자기혐오", "힘듦/지침", "죄책감", "귀찮음", "재미없음", "부끄러움"),
}
#: GoEmotions' labels (Demszky et al. 2020) likewise; the others are too mixed to count.
GOEMOTIONS = {
    "일상": ("neutral", "realization", "curiosity"),
    "기쁨": (
        "admiration",
        "amusement",
        "approval",
        "caring",
        "excitement",
        "gratitude",
        "joy",
        "love",
        "optimism",
        "pride",
        "relief",
    ),
    "불안": ("fear", "nervousness", "confusion"),
    "슬픔": ("sadness", "grief", "disappointment"),
    "분노": ("anger", "annoyance", "disapproval", "disgust"),
    "우울": ("remorse", "embarrassment"),
}
LABEL_GROUPS = {
    "six": {"labels": list(get_args(Emotion)), "activation": "softmax"},
    "kote": {"labels": [label for labels in KOTE.values() for label in labels], "activation": "sigmoid"},
}

ENGLISH = {
    "title": "Classify emotion",
    "description": "Reads which of six emotions a text carries, with probabilities, and names finer emotions in it.",
    "input": {
        "text": ("Text", "The Korean text to read. Up to 1,000 characters."),
        "threshold": (
            "Threshold",
            "Finer emotions of at least this probability are shown. Leave it empty for the best one of each emotion.",
        ),
    },
    "output": {
        "label": ("Emotion", "The likeliest emotion."),
        "probabilities": ("Six emotions", "From the likeliest on."),
        "probabilities.label": ("Emotion", "One of the six emotions."),
        "probabilities.probability": ("Probability", "Those of the six emotions add up to 1."),
        "fine_emotions": ("Finer emotions", "KOTE's finer emotions above the threshold. A text may have several."),
        "fine_emotions.label": ("Finer emotion", "One of KOTE's 44 emotions."),
        "fine_emotions.probability": ("Probability", "How likely the text carries this emotion."),
    },
    "labels": {
        "일상": "Everyday",
        "기쁨": "Joy",
        "불안": "Anxiety",
        "슬픔": "Sadness",
        "분노": "Anger",
        "우울": "Depression",
        "없음": "None",
        "깨달음": "Realization",
        "신기함/관심": "Wonder/interest",
        "비장함": "Resolve",
        "행복": "Happiness",
        "즐거움/신남": "Fun/excitement",
        "고마움": "Gratitude",
        "감동/감탄": "Being moved/admiration",
        "흐뭇함(귀여움/예쁨)": "Delight (cute/pretty)",
        "뿌듯함": "Pride",
        "환영/호의": "Welcome/goodwill",
        "아껴주는": "Affection",
        "존경": "Respect",
        "편안/쾌적": "Comfort",
        "안심/신뢰": "Relief/trust",
        "기대감": "Anticipation",
        "불안/걱정": "Anxiety/worry",
        "공포/무서움": "Fear",
        "당황/난처": "Embarrassment/predicament",
        "의심/불신": "Doubt/distrust",
        "부담/안_내킴": "Burden/reluctance",
        "놀람": "Surprise",
        "경악": "Shock",
        "서러움": "Feeling wronged",
        "불쌍함/연민": "Pity/compassion",
        "안타까움/실망": "Regret/disappointment",
        "화남/분노": "Anger/rage",
        "증오/혐오": "Hatred/loathing",
        "짜증": "Irritation",
        "어이없음": "Disbelief",
        "한심함": "Contempt",
        "불평/불만": "Complaint/dissatisfaction",
        "역겨움/징그러움": "Disgust",
        "지긋지긋": "Being fed up",
        "우쭐댐/무시함": "Arrogance/disregard",
        "절망": "Despair",
        "패배/자기혐오": "Defeat/self-loathing",
        "힘듦/지침": "Exhaustion",
        "죄책감": "Guilt",
        "귀찮음": "Weariness",
        "재미없음": "Boredom",
        "부끄러움": "Shame",
    },
}
LABELS = {"부담/안_내킴": "부담/안 내킴"}


def training_labels(row: dict[str, Any]) -> Iterator[Labelled]:
    """A row has `text` and `labels`, KOTE's (Korean) or GoEmotions' (English); several may hold at once. Or it has
    `label`, one of the six, or two joined by "+", the stronger first.

    The six get a share each: of `labels` those that count towards it over the root of how many could. A reader who
    named one of the six said more about them, so that such shares weigh less.
    """
    text = clean(str(row["text"]))
    if not row.get("labels"):
        named = str(row["label"]).split("+")
        if text and set(named) <= set(KOTE):
            yield Labelled(text, {"six": dict(zip(named, _NAMED[len(named)], strict=True))})
            return
    labels = row.get("labels") or [row["label"]]
    korean = [label for label in labels if label in LABEL_GROUPS["kote"]["labels"]]
    table = KOTE if korean else GOEMOTIONS
    shares = {six: sum(label in table[six] for label in labels) / sqrt(len(table[six])) for six in table}
    total = sum(shares.values())
    if text and total:
        six = {name: share / total for name, share in shares.items()}
        yield Labelled(
            text, {"six": six, "kote": dict.fromkeys(korean, 1.0)} if korean else {"six": six}, {"six": _DERIVED}
        )


_NAMED = {1: (1.0,), 2: (0.65, 0.35)}  # the shares of labels that a reader named
_DERIVED = 0.4  # the weight of shares that follow from finer labels
