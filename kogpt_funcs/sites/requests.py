"""What may be asked about stories, judged as strictly as any function's Input, in the same sentences."""

from __future__ import annotations

import difflib
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from kogpt_funcs.contract.errors import FieldProblem, InvalidInput
from kogpt_funcs.contract.messages import EMPTY, sentences
from kogpt_funcs.korean.genres import Genre
from kogpt_funcs.korean.text import clean

_Form = TypeVar("_Form", bound=BaseModel)
_MOST_UNKNOWN = 20

_PARENT = Field(..., ge=1, le=2**63 - 1, title="앞 대목", description="이 번호의 대목 뒤를 말합니다.", examples=[1])
_AUTHOR = Field(
    ...,
    min_length=1,
    max_length=30,
    title="필명",
    description="글쓴이로 남을 이름입니다. 30자까지 받습니다.",
    examples=["느린 고래"],
)
_BRANCH = Field(
    None,
    ge=0,
    le=2**31 - 1,
    title="갈래",
    description="이어 쓸 갈래의 번호입니다. 비우면 앞 대목의 갈래입니다.",
    examples=[0],
)


class NewStory(BaseModel):
    title: str = Field(
        ..., min_length=1, max_length=100, title="제목", description="100자까지 받습니다.", examples=["막차의 우산"]
    )
    genre: Genre = Field("일상", title="장르", description="이야기의 장르입니다.", examples=["로맨스"])
    opening: str = Field(
        ...,
        min_length=1,
        max_length=2000,
        title="첫 대목",
        description="이야기를 여는 글입니다. 2,000자까지 받습니다.",
        examples=["당산역을 지날 무렵 막차 안에는 다섯 명이 남아 있었다."],
    )
    author: str = _AUTHOR
    notes: str = Field(
        "",
        max_length=300,
        title="메모",
        examples=["윤서: 야근이 잦은 회사원."],
        description="인물과 장소처럼 잊으면 안 되는 것입니다. 기계가 언제나 함께 읽습니다.",
    )
    public: bool = Field(
        True, title="공개", description="끄면 목록에 나오지 않고, 주소를 아는 사람만 봅니다.", examples=[True]
    )


class NewPart(BaseModel):
    text: str = Field(
        ...,
        min_length=1,
        max_length=2000,
        title="글",
        description="이어 쓴 글입니다. 2,000자까지 받습니다.",
        examples=["윤서는 우산을 집어 들었다."],
    )
    author: str = _AUTHOR
    parent: int = _PARENT
    version: int = Field(
        ..., ge=1, le=2**31 - 1, title="판", description="마지막으로 읽은 이야기의 version입니다.", examples=[1]
    )
    branch: int | None = _BRANCH
    by: Literal["person", "machine"] = Field(
        "person", title="쓴 이", description="기계의 후보를 그대로 골랐으면 machine입니다.", examples=["person"]
    )
    turn: str | None = Field(
        None, max_length=100, title="차례", description="차례를 맡을 때 받은 secret입니다.", examples=["…"]
    )


class NewBranch(BaseModel):
    parent: int = _PARENT


class NewTurn(BaseModel):
    parent: int = _PARENT
    author: str = _AUTHOR
    branch: int | None = _BRANCH
    turn: str | None = Field(
        None, max_length=100, title="차례", description="늘릴 때, 앞서 받은 secret입니다.", examples=["…"]
    )


class Suggest(BaseModel):
    parent: int = _PARENT
    num_candidates: int = Field(3, ge=1, le=5, title="후보 수", description="서로 다른 후보의 수입니다.", examples=[3])
    temperature: float = Field(
        0.8, ge=0, le=2, title="온도", description="높을수록 뜻밖의 글이 나옵니다.", examples=[0.8]
    )


class Search(BaseModel):
    q: str = Field("", max_length=100, title="찾을 말", description="제목이나 글쓴이에 든 말입니다.", examples=["우산"])
    genre: str = Field("", max_length=20, title="장르", description="비우면 모든 장르입니다.", examples=["로맨스"])
    page: int = Field(1, ge=1, le=100_000, title="쪽", description="한 쪽에 스무 편입니다.", examples=[1])


def parse(form: type[_Form], data: Any, *, strict: bool = True) -> _Form:
    """`data` as a `form` with its texts cleaned, or InvalidInput naming each field. Not strict: for what came in an
    address.
    """
    if not isinstance(data, dict):
        raise InvalidInput.of("", f"JSON 객체여야 합니다. 받은 것: {type(data).__name__}.")
    if unknown := [str(name) for name in data if name not in form.model_fields][:_MOST_UNKNOWN]:
        raise InvalidInput([FieldProblem(name, _unknown(form, name[:100])) for name in unknown])
    try:
        found = form.model_validate(data, strict=strict)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise InvalidInput(
            [FieldProblem(".".join(map(str, e["loc"])), *sentences(dict(e))) for e in problems]
        ) from None
    return found.model_copy(update=_cleaned(found))


def _cleaned(form: BaseModel) -> dict[str, str]:
    texts = {name: clean(value) for name, value in form if isinstance(value, str)}
    for name in ("title", "author", "notes", "q"):
        if name in texts:
            texts[name] = " ".join(texts[name].split())
    empty = [name for name, text in texts.items() if not text and type(form).model_fields[name].is_required()]
    if empty:
        raise InvalidInput([FieldProblem(name, *EMPTY) for name in empty])
    return texts


def _unknown(form: type[BaseModel], name: str) -> str:
    names = list(form.model_fields)
    near = difflib.get_close_matches(name, names, n=1)
    return f"없는 항목입니다.{f' {near[0]} 말인가요?' if near else ''} 쓸 수 있는 항목: {', '.join(names)}."
