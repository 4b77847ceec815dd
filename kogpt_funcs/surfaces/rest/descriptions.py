"""What REST tells of itself: the functions, each on a card, and whether it is ready."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

import kogpt_funcs
from kogpt_funcs import models
from kogpt_funcs.contract import identity, registry
from kogpt_funcs.contract.function import Function
from kogpt_funcs.surfaces import readiness


class EnglishCard(BaseModel):
    title: str = Field(title="영어 제목")
    description: str = Field(title="영어 설명", description="함수가 영어로 말하지 않으면 비어 있습니다.")


class FunctionCard(BaseModel):
    name: str = Field(title="이름")
    title: str = Field(title="제목")
    description: str = Field(title="설명")
    english: EnglishCard = Field(title="영어")
    streams: bool = Field(title="스트리밍", description="참이면 쓰는 동안의 partial 사건을 보냅니다.")
    input_schema: dict[str, Any] = Field(title="입력의 JSON Schema")
    output_schema: dict[str, Any] = Field(title="출력의 JSON Schema")
    examples: list[dict[str, Any]] = Field(title="입력 예")


class FunctionCards(BaseModel):
    functions: list[FunctionCard] = Field(title="함수", description="이름 차례입니다.")


class Health(BaseModel):
    status: Literal["ok", "loading", "stopping"] = Field(
        title="상태",
        description='답할 수 있으면 "ok", 모델을 읽는 중이면 "loading"(503), 멈추는 중이면 "stopping"입니다.',
    )
    service: str = Field(title="서비스", description='언제나 "kogpt-funcs"입니다.')
    version: str = Field(title="판")
    configuration: str = Field(
        title="구성", description="같은 프로그램, 가중치, 설정으로 도는지 견주는 표입니다. kogpt call이 읽습니다."
    )
    functions: list[str] = Field(title="함수 이름")
    models: dict[str, Any] = Field(title="모델", description="지금 메모리에 있는 체크포인트와 그 크기입니다.")


class Ready(BaseModel):
    ready: bool = Field(title="준비", description="모든 함수가 새 요청에 답할 수 있으면 참, 아니면 거짓(503)입니다.")
    loading: bool = Field(title="읽는 중", description="모델을 읽는 중이면 참입니다.")
    stopping: bool = Field(title="멈추는 중", description="서버가 곧 멈추면 참입니다.")
    failing: list[str] = Field(title="답하지 못하는 함수", description="제 첫 보기에도 답하지 못한 함수입니다.")


def cards() -> FunctionCards:
    """A card for every function."""
    return FunctionCards(functions=[_card(function) for function in registry.functions().values()])


def health() -> Health:
    """Whether the models are warm, and which are in memory."""
    status: Literal["ok", "loading", "stopping"] = "loading" if readiness.loading.is_set() else "ok"
    if readiness.stopping.is_set():
        status = "stopping"
    names = list(registry.functions())
    return Health(
        status=status,
        service=identity.SERVICE,
        version=kogpt_funcs.__version__,
        configuration=identity.configuration(),
        functions=names,
        models=models.resident(),
    )


def ready() -> Ready:
    """Whether a request to any function would be answered, and if not, why."""
    return Ready(
        ready=readiness.ready(),
        loading=readiness.loading.is_set(),
        stopping=readiness.stopping.is_set(),
        failing=sorted(readiness.failing),
    )


def _card(function: Function) -> FunctionCard:
    english = EnglishCard(title=function.english.title, description=function.english.description)
    return FunctionCard(
        name=function.name,
        title=function.title,
        description=function.description,
        english=english,
        streams=function.stream is not None,
        input_schema=function.input.model_json_schema(),
        output_schema=function.output.model_json_schema(mode="serialization"),
        examples=list(function.examples),
    )
