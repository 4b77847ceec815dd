"""The pages as they leave the server: language, policy, escaping; and the tools for MCP, over a real connection."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent
from stories_server import OPENING, StoriesServer

from kogpt_funcs.sites.trees import other_ways, rows
from kogpt_funcs.sites.words import SCRIPT_WORDS, WORDS, language

PARTS = [
    {"id": 1, "parent": None, "branch": 0},
    {"id": 2, "parent": 1, "branch": 0},
    {"id": 3, "parent": 1, "branch": 1},
    {"id": 4, "parent": 2, "branch": 0},
    {"id": 5, "parent": 3, "branch": 1},
    {"id": 6, "parent": 3, "branch": 2},
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("ko-KR,ko;q=0.9,en-US;q=0.8", "ko"),
        ("en-US,en;q=0.9", "en"),
        ("en;q=0.3,ko;q=0.7", "ko"),
        ("fr,en;q=0.5", "en"),
        ("fr", "ko"),
        ("", "ko"),
        (";;;q=x,,", "ko"),
    ],
)
def test_the_browser_chooses_the_language(stories: StoriesServer, accepted: str, expected: str) -> None:
    assert language(accepted) == expected
    page = stories.http.get("/stories/", headers={"Accept-Language": accepted})
    assert f'<html lang="{expected}">' in page.text
    assert page.headers["vary"] == "Accept-Language"


def test_every_word_is_said_in_both_languages() -> None:
    for key, (korean, english) in {**WORDS, **SCRIPT_WORDS}.items():
        assert korean
        assert not re.search("[가-힣]", english), key
        assert set(re.findall(r"{\w+}", korean)) == set(re.findall(r"{\w+}", english))


def test_a_page_may_run_and_fetch_nothing_from_elsewhere(stories: StoriesServer) -> None:
    for path in ("/", "/new", "/nothing-here"):
        page = stories.http.get(f"/stories{path}")
        policy = dict(rule.strip().split(" ", 1) for rule in page.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert set(policy.values()) == {"'none'", "'self'"}
        assert "http://" not in page.text.replace("http://www.w3.org", "")
        assert "https://" not in page.text
        assert page.headers["x-content-type-options"] == "nosniff"


def test_what_people_write_is_escaped_in_text_and_attributes(stories: StoriesServer) -> None:
    hostile = "</title></script><script>alert(1)</script>'\"><b onclick=x>"
    story = stories.http.post(
        "/api/stories", json={**OPENING, "title": hostile, "author": '"><b onclick=x>', "opening": hostile}
    ).json()
    for path in ("/", f"/{story['id']}", f"/{story['id']}/tree", f"/{story['id']}?part={story['parts'][0]['id']}"):
        page = stories.http.get(f"/stories{path}", params={"q": hostile} if path == "/" else None).text
        assert "<script>alert" not in page
        assert "<b onclick" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_faults_are_pages_too(stories: StoriesServer) -> None:
    lost = stories.http.get("/stories/nothing-here", headers={"Accept-Language": "en"})
    assert (lost.status_code, lost.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "Not here" in lost.text
    assert not re.search("[가-힣]", lost.text.partition("<main")[2].partition("</main>")[0])
    assert stories.http.get("/stories/?page=0").status_code == 422
    assert stories.http.get("/stories/a/b/c").status_code == 404
    assert stories.http.get("/stories", follow_redirects=True).status_code == 200
    for path in ("site.css", "site.js", "book.js", "new.js", "icon.svg"):
        assert stories.http.get(f"/stories/static/{path}").status_code == 200


def test_ways_that_leave_a_line() -> None:
    story = {"parts": PARTS}
    ways = other_ways(story, [PARTS[0], PARTS[1], PARTS[3]])
    assert {part: [other["id"] for other in others] for part, others in ways.items()} == {1: [3]}
    assert {
        part: [other["id"] for other in others] for part, others in other_ways(story, [PARTS[0], PARTS[2]]).items()
    } == {1: [2], 3: [5, 6]}


def test_the_tree_shows_each_line_in_one_piece() -> None:
    found = [(row.part["id"], row.depth, row.fork, row.start) for row in rows({"parts": PARTS})]
    assert found == [
        (1, 0, True, False),
        (3, 1, True, True),
        (6, 2, False, True),
        (5, 1, False, False),
        (2, 0, False, False),
        (4, 0, False, False),
    ]


def test_a_tree_of_thousands_is_shown(stories: StoriesServer) -> None:
    deep = {"parts": [{"id": n, "parent": n - 1 or None, "branch": n} for n in range(1, 5000)]}
    assert len(rows(deep)) == 4999


def content(result: CallToolResult) -> dict[str, Any]:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return json.loads(block.text)


@pytest.mark.anyio
async def test_tools_find_read_and_add(stories: StoriesServer) -> None:
    title = f"도구 {httpx.__version__} {stories.port}"
    story = stories.http.post("/api/stories", json={**OPENING, "title": title}).json()
    async with Client(f"{stories.url}/mcp", read_timeout_seconds=120) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools["read_story"].annotations.read_only_hint
        assert not tools["add_story_part"].annotations.read_only_hint
        found = await client.call_tool("find_stories", {"q": title})
        assert [card["id"] for card in found.structured_content["stories"]] == [story["id"]]
        read = (await client.call_tool("read_story", {"story": story["id"]})).structured_content
        given = {
            "story": story["id"],
            "text": "도구가 이었다.",
            "author": "도구",
            "parent": read["parts"][0]["id"],
            "version": read["version"],
        }
        added = [
            (await client.call_tool("add_story_part", {**given, "key": "k1"})).structured_content for _ in range(2)
        ]
        assert added[0] == added[1]
        late = await client.call_tool("add_story_part", given)
        assert late.is_error
        assert content(late)["changed"]["parts"] == [added[0]["part"]]
        missing = await client.call_tool("read_story", {"story": "nothing"})
        assert missing.is_error
        assert content(missing)["error"]["code"] == "not_found"
        assert (await client.call_tool("add_story_part", {"story": 3})).is_error
