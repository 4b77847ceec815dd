"""고장 내기: ends in each way a function can end; the tests drop it into a copy of the package."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from kogpt_funcs.contract.errors import Busy, CheckpointError, InvalidInput, KogptError

Way = Literal["well", "bug", "busy", "checkpoint", "invalid", "own", "surrogate", "nan"]


class BreakDownInput(BaseModel):
    way: Way = Field("well", title="방법", examples=["well"], description="어떻게 끝날지 고릅니다.")


class BreakDownOutput(BaseModel):
    text: str = Field(..., title="글", description="끝난 뒤의 글입니다.")
    number: float = Field(0.0, title="수", description="끝난 뒤의 수입니다.")


EXAMPLES = [{"way": "well"}]


def break_down(input: BreakDownInput) -> BreakDownOutput:
    """고장 내기

    고른 방법으로 끝납니다.
    """
    faults = {
        "bug": ZeroDivisionError("secret"),
        "busy": Busy(retry_after=7),
        "checkpoint": CheckpointError("No checkpoint 'x'. Train it: kogpt train x."),
        "invalid": InvalidInput.of("way", "이 방법은 안 됩니다."),
        "own": KogptError("오늘은 쉽니다."),
    }
    if input.way in faults:
        raise faults[input.way]
    texts = {"surrogate": "앞\ud800뒤"}
    return BreakDownOutput(text=texts.get(input.way, "멀쩡합니다."), number=float("nan") if input.way == "nan" else 0.0)
