"""따라 말하기: talks, so that the page shows bubbles; the tests drop it into a copy of the package."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from kogpt_funcs.contract.talk import Talk
from kogpt_funcs.korean.text import required


class Turn(BaseModel):
    role: Literal["user", "assistant"] = Field(
        ..., title="누구", description="user나 assistant입니다.", examples=["user"]
    )
    content: str = Field(..., max_length=2000, title="말", description="한 말입니다.", examples=["안녕"])


class TalkBackInput(BaseModel):
    text: str = Field(..., max_length=500, title="할 말", description="따라 할 말입니다.", examples=["안녕"])
    before: list[Turn] = Field([], title="지난 말", description="지금까지 한 말입니다.", examples=[[]])


class TalkBackOutput(BaseModel):
    said: str = Field(..., title="따라 한 말", description="말 그대로입니다.")
    mood: Literal["평온", "들뜸"] = Field(..., title="기분", description="느낌표가 있으면 들뜸입니다.")
    before: list[Turn] = Field(..., title="한 말", description="이번에 오간 두 마디까지입니다.")


EXAMPLES = [{"text": "안녕!"}]
TALK = Talk(message="text", history="before", reply="said")


def talk_back(input: TalkBackInput) -> TalkBackOutput:
    """따라 말하기

    한 말을 그대로 따라 합니다.
    """
    said = required(input.text)
    turns = [*input.before, Turn(role="user", content=said), Turn(role="assistant", content=said)]
    return TalkBackOutput(said=said, mood="들뜸" if "!" in said else "평온", before=turns)
