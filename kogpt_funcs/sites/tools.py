"""MCP tools for stories: find, read, write the next part. relay_novel is a tool of its own, for candidates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcp_types import Tool, ToolAnnotations
from pydantic import BaseModel, Field

from kogpt_funcs.sites import requests, shapes, threads
from kogpt_funcs.sites.stories import stories

_STORY = Field(..., max_length=24, title="이야기", description="이야기의 id입니다.", examples=["Ab3dEf6hIj9k"])


class ReadStory(BaseModel):
    story: str = _STORY


class AddStoryPart(requests.NewPart):
    story: str = _STORY
    key: str | None = Field(
        None,
        max_length=200,
        title="열쇠",
        examples=["a1b2"],
        description="Idempotency-Key입니다. 같은 열쇠로 다시 부르면 한 번만 더해집니다.",
    )


class SiteTool:
    """One tool: its Input and Output, and what it does in a thread."""

    def __init__(
        self,
        name: str,
        title: str,
        given: type[BaseModel],
        output: type[BaseModel],
        do: Callable[[Any], dict[str, Any]],
        about: str,
    ) -> None:
        self._given, self._do = given, do
        self.tool = Tool(
            name=name,
            title=title,
            description=f"{title}. {about}",
            input_schema=given.model_json_schema(),
            output_schema=output.model_json_schema(mode="serialization"),
            annotations=ToolAnnotations(
                read_only_hint=given is not AddStoryPart, destructive_hint=False, open_world_hint=False
            ),
        )

    async def call(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The tool's Output. Raises KogptError for what the caller can mend."""
        return await threads.run(self._do, requests.parse(self._given, arguments))


def _add(given: AddStoryPart) -> dict[str, Any]:
    form = requests.NewPart(**given.model_dump(exclude={"story", "key"}))
    return stories().add(given.story, form, given.key)


TOOLS = {
    tool.tool.name: tool
    for tool in (
        SiteTool(
            "find_stories",
            "이야기 찾기",
            requests.Search,
            shapes.LibraryShape,
            lambda given: stories().search(given),
            "함께 쓰는 릴레이 소설의 서재에서 제목, 글쓴이, 장르로 찾습니다.",
        ),
        SiteTool(
            "read_story",
            "이야기 읽기",
            ReadStory,
            shapes.StoryShape,
            lambda given: stories().read(given.story),
            "이야기의 모든 대목을 읽습니다. parent를 따라가면 한 갈래가 됩니다.",
        ),
        SiteTool(
            "add_story_part",
            "이어 쓰기",
            AddStoryPart,
            shapes.AddedShape,
            _add,
            "이야기의 한 대목 뒤에 다음 대목을 더합니다. 읽을 때 받은 version을 함께 보냅니다.",
        ),
    )
}
