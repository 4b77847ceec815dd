"""What may be asked under /v1 and what is answered. What has no effect here must be neutral or absent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_STOPS, MOST_CHOICES, MOST_PROMPTS = 8, 8, 8
Stop = Annotated[str, Field(min_length=1, max_length=100)]
Prompt = Annotated[str, Field(max_length=20_000)]


class StreamOptions(BaseModel):
    include_usage: bool | None = Field(False, description="A last chunk with `usage` and no choices.")


class Asked(BaseModel):
    """What both kinds of completion take. Fields that are not named here are not read."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field(max_length=200, description="A name of GET /v1/models.")
    n: int = Field(1, ge=1, le=MOST_CHOICES, description="How many answers.")
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    stop: Stop | Annotated[list[Stop], Field(max_length=MOST_STOPS)] | None = Field(
        None, description="Texts at which the answer ends; they are not part of it."
    )
    seed: int | None = Field(None, ge=0, le=2**31 - 1, description="The same seed gives the same answer.")
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    top_k: int | None = Field(None, ge=-1, le=1000, description="vLLM's. 0 and -1: no limit.")
    repetition_penalty: float | None = Field(None, ge=1, le=2, description="vLLM's.")
    presence_penalty: float | None = Field(None, ge=0, le=0, description="Has no effect here: 0 alone.")
    frequency_penalty: float | None = Field(None, ge=0, le=0, description="Has no effect here: 0 alone.")
    logit_bias: dict[str, float] | None = Field(None, max_length=0, description="Has no effect here: empty alone.")

    @property
    def stops(self) -> tuple[str, ...]:
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class CompletionAsked(Asked):
    prompt: Prompt | Annotated[list[Prompt], Field(min_length=1, max_length=MOST_PROMPTS)] = Field(
        description="The text to go on from, or several. `<s>`, `<usr>`, `<unused7>` and the like are special tokens. "
        "What is longer than the base reads loses its beginning."
    )
    max_tokens: int | None = Field(16, ge=1, le=1024)
    min_tokens: int | None = Field(None, ge=0, le=256, description="vLLM's.")
    echo: bool | None = Field(False, description="The prompt before its answer.")
    bad_words: list[Stop] | None = Field(None, max_length=200, description="vLLM's: texts that no answer holds.")
    logprobs: None = Field(None, description="There are none here.")
    suffix: Literal[""] | None = Field(None, description="Has no effect here: empty alone.")
    best_of: int | None = Field(None, ge=1, le=1, description="Has no effect here: 1 alone.")


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


FinishReason = Literal["stop", "length"]


class CompletionChoice(BaseModel):
    index: int
    text: str
    logprobs: None = None
    finish_reason: FinishReason | None = Field(description="null while it is written.")


class Completion(BaseModel):
    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage | None = Field(None, description="null where the server behind the base alone knows.")


class Reply(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class ReplyDelta(BaseModel):
    role: Literal["assistant"] | None = None
    content: str | None = None


class ChatChoice(BaseModel):
    index: int
    message: Reply
    logprobs: None = None
    finish_reason: FinishReason


class ChatChunkChoice(BaseModel):
    index: int
    delta: ReplyDelta
    logprobs: None = None
    finish_reason: FinishReason | None = None


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage | None = None


class ChatChunk(BaseModel):
    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChatChunkChoice]
    usage: Usage | None = None


class Trouble(BaseModel):
    message: str
    type: str = Field(description="invalid_request_error, authentication_error, rate_limit_error, server_error …")
    param: str | None = Field(description="The field that is wrong.")
    code: str | None


class TroubleBody(BaseModel):
    error: Trouble


def neutral(value: Any, instead: Any) -> Any:
    """`value`, or `instead` where it is null."""
    return instead if value is None else value
