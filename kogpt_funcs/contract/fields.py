"""Field types that several functions share. They import under pydantic 2 and pydantic 1.10 alike."""

from __future__ import annotations

from typing import Any, Optional

from pydantic import BaseModel, Field


class Sampling(BaseModel):
    """How the next token is chosen. Every function that writes text takes these fields."""

    max_new_tokens: int = Field(
        64,
        ge=8,
        le=256,
        title="최대 길이",
        examples=[64],
        description="새로 쓰는 토큰의 최대 개수입니다. 토큰 하나는 한글 두 글자쯤입니다.",
    )
    temperature: float = Field(
        0.8,
        ge=0.0,
        le=2.0,
        title="온도",
        examples=[0.8],
        description="높을수록 뜻밖의 글이, 낮을수록 무난한 글이 나옵니다. 0이면 언제나 같은 글입니다.",
    )
    top_k: int = Field(
        50,
        ge=0,
        le=1000,
        title="상위 k개",
        examples=[50],
        description="가장 그럴듯한 토큰 k개 가운데서만 고릅니다. 0이면 제한하지 않습니다.",
    )
    top_p: float = Field(
        0.95,
        gt=0.0,
        le=1.0,
        title="누적 확률",
        examples=[0.95],
        description="확률의 합이 이 값에 이를 때까지의 토큰 가운데서만 고릅니다.",
    )
    repetition_penalty: float = Field(
        1.1,
        ge=1.0,
        le=2.0,
        title="반복 억제",
        examples=[1.1],
        description="1보다 클수록 이미 나온 토큰을 덜 씁니다.",
    )
    seed: Optional[int] = Field(
        None,
        ge=0,
        le=2**31 - 1,
        title="시드",
        examples=[42],
        description="같은 시드는 같은 결과를 줍니다. 비워 두면 할 때마다 다릅니다.",
    )

    @classmethod
    def validate(cls, value: Any) -> Any:
        """pydantic 1 alone asks here. Opyrator's form gives empty text where nothing was chosen."""
        if isinstance(value, dict):
            value = {name: given for name, given in value.items() if given != "" or _required(cls, name)}
        return super().validate(value)

    def options(self) -> dict[str, Any]:
        """These fields as keyword arguments of models.Generation."""
        return {name: getattr(self, name) for name in Sampling.__annotations__}

    def seed_of(self, attempt: int) -> Optional[int]:
        """The seed of the next attempt at the same request, the first being 0: other draws, and again the same ones."""
        return None if self.seed is None else self.seed + attempt * 7919


def _required(model: Any, name: str) -> bool:
    return name not in model.__fields__ or bool(model.__fields__[name].required)


#: Sampling's fields for those who read English; a function declares those that it words anew.
SAMPLING_ENGLISH = {
    "max_new_tokens": ("Maximum length", "The most tokens that are written. A token is about two Korean letters."),
    "temperature": ("Temperature", "Higher is more surprising, lower is safer. At 0 the text is always the same."),
    "top_k": ("Top k", "Chooses only among the k likeliest tokens. 0 means no limit."),
    "top_p": ("Top p", "Chooses only among the likeliest tokens whose probabilities add up to this."),
    "repetition_penalty": ("Repetition penalty", "Above 1, tokens that have already been used become less likely."),
    "seed": ("Seed", "The same seed gives the same result. Leave it empty for a different one each time."),
}
