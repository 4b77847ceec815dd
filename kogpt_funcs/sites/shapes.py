"""What is told about stories, as JSON; the OpenAPI document is made of these."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from kogpt_funcs.sites.tables import Part, Story


class PartShape(BaseModel):
    id: int = Field(title="번호")
    parent: int | None = Field(title="앞 대목", description="첫 대목이면 null입니다.")
    branch: int = Field(title="갈래", description="한 갈래에서는 대목이 한 줄로 이어집니다. 처음 갈래는 0입니다.")
    author: str = Field(title="필명")
    text: str = Field(title="글")
    by: str = Field(title="쓴 이", description="person이나 machine입니다.")
    at: str = Field(title="때", description="UTC, ISO 8601입니다.")


class StoryShape(BaseModel):
    id: str = Field(title="이름")
    title: str = Field(title="제목")
    genre: str = Field(title="장르")
    notes: str = Field(title="메모")
    author: str = Field(title="연 사람")
    public: bool = Field(title="공개")
    version: int = Field(title="판", description="대목이 늘거나 줄 때마다 1씩 커집니다.")
    parts: list[PartShape] = Field(title="대목", description="쓴 차례입니다.")


class CreatedShape(BaseModel):
    id: str = Field(title="이름")
    version: int = Field(title="판")
    parts: list[PartShape] = Field(title="대목")
    secret: str = Field(
        title="열쇠",
        description="이야기를 지우거나 첫 대목을 되돌릴 때 X-Secret 헤더로 보냅니다. 다시 알려 주지 않습니다.",
    )


class CardShape(BaseModel):
    id: str = Field(title="이름")
    title: str = Field(title="제목")
    genre: str = Field(title="장르")
    author: str = Field(title="연 사람")
    opening: str = Field(title="첫 대목")
    parts: int = Field(title="대목 수")
    version: int = Field(title="판")
    changed: str = Field(title="바뀐 때")


class LibraryShape(BaseModel):
    stories: list[CardShape] = Field(title="이야기", description="최근에 바뀐 차례입니다.")
    total: int = Field(title="모두")
    page: int = Field(title="쪽")
    pages: int = Field(title="모든 쪽")


class AddedShape(BaseModel):
    part: PartShape = Field(title="대목")
    version: int = Field(title="판")
    secret: str = Field(
        title="열쇠", description="이 대목을 되돌릴 때 X-Secret 헤더로 보냅니다. 다시 알려 주지 않습니다."
    )


class BranchShape(BaseModel):
    branch: int = Field(title="갈래", description="이 번호로 쓰면 parent에서 갈라집니다.")
    parent: int = Field(title="앞 대목")
    version: int = Field(title="판")


class TurnShape(BaseModel):
    turn: str = Field(title="차례", description="대목을 보낼 때, 차례를 늘리거나 내놓을 때 함께 보냅니다.")
    branch: int = Field(title="갈래")
    parent: int = Field(title="앞 대목")
    until: str = Field(title="끝나는 때")


class CandidatesShape(BaseModel):
    candidates: list[str] = Field(title="후보")


class DraftShape(BaseModel):
    id: str = Field(title="이름")
    parent: int = Field(title="앞 대목")
    author: str = Field(title="필명")
    text: str = Field(title="글")
    at: str = Field(title="때")


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def part_shape(part: Part) -> dict[str, Any]:
    return {
        "id": part.id,
        "parent": part.parent,
        "branch": part.branch,
        "author": part.author,
        "text": part.text,
        "by": part.by,
        "at": moment(part.at),
    }


def story_shape(story: Story, parts: list[Part]) -> dict[str, Any]:
    return {
        "id": story.id,
        "title": story.title,
        "genre": story.genre,
        "notes": story.notes,
        "author": story.author,
        "public": story.public,
        "version": story.version,
        "parts": [part_shape(part) for part in parts],
    }
