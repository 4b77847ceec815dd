"""감정 분류: read the emotion of a text."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from kogpt_funcs import models
from kogpt_funcs.text import required

Emotion = Literal["일상", "기쁨", "불안", "슬픔", "분노", "우울"]


class ClassifyEmotionInput(BaseModel):
    text: str = Field(
        ..., max_length=1000, title="글", examples=["내일 시험인데 하나도 못 했어. 어떡하지?"],
        description="감정을 읽을 글입니다. 1,000자까지 받습니다.",
    )
    threshold: float = Field(
        0.3, ge=0.0, le=1.0, title="문턱값", examples=[0.3],
        description="세부 감정 가운데 확률이 이 값 이상인 것만 보여 줍니다.",
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
        ..., title="세부 감정", description="문턱값을 넘은 KOTE의 세부 감정입니다. 한 글에 여럿일 수 있습니다.",
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
    six = sorted(scores["six"].items(), key=lambda item: -item[1])
    fine = sorted(scores["kote"].items(), key=lambda item: -item[1])
    return ClassifyEmotionOutput(
        label=six[0][0],
        probabilities=[EmotionProbability(label=label, probability=p) for label, p in six],
        fine_emotions=[FineEmotion(label=label, probability=p) for label, p in fine if p >= input.threshold],
    )
