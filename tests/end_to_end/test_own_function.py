"""A function that streams and declares its English, as one more file: what every surface makes of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import anyio
import pytest
from browser import Page, chromium
from mcp import Client
from package_copy import SEVENTH, command, copy_package
from rest_client import events, post
from suite_server import Server, serving

from kogpt_funcs.contract.registry import names

FILE = SEVENTH.with_name("spell_out.py")
REQUEST = {"text": "강a", "between": "붙임표"}
FIRST = {"text": "ᄀ-ᅡ-ᆼ", "kind": "hangul"}
SECOND = {"text": "a", "kind": "other"}
ENGLISH = {"title": "Spell out", "description": "Takes Korean syllables apart into their letters."}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A suite of this function and another that declares no English."""
    home = copy_package(tmp_path_factory.mktemp("own"), FILE, SEVENTH, without=names())
    with serving(home / "log", home) as running:
        yield running


@pytest.fixture(scope="module", params=["ko-KR", "en-US"])
def page(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[tuple[Page, bool]]:
    with chromium(tmp_path_factory.mktemp(request.param), request.param) as page:
        yield page, request.param == "ko-KR"


def test_the_page_says_everything_in_the_readers_language(page: tuple[Page, bool], own: Server) -> None:
    browser, korean = page
    browser.open(own, "spell_out")
    assert browser.one("button[role=tab][data-tab-id=spell_out]").text == ("낱자 풀기" if korean else "Spell out")
    assert browser.texts("#spell_out-between label span") == (["빈칸", "붙임표"] if korean else ["Blank", "Hyphen"])
    info = browser.one("#spell_out-between").text
    assert ("낱자 사이에" if korean else "What to put between the letters.") in info
    browser.put("spell_out", "text", "강a")
    browser.all("#spell_out-between input")[1].click()
    browser.run("spell_out")
    assert browser.answers("spell_out") == ["ᄀ-ᅡ-ᆼ", "a"]
    told = ["갈래 한글", "갈래 다른 글자"] if korean else ["Kind Korean", "Kind other script"]
    assert browser.texts("#spell_out .kogpt-notes span:has(> b)") == told
    browser.put("spell_out", "text", "가" * 51)
    browser.run("spell_out")
    said = "50자까지 쓸 수 있습니다." if korean else "This may have at most 50 characters."
    assert browser.alerts("spell_out") == [said]


def test_choices_of_a_dropdown_are_in_the_readers_language(page: tuple[Page, bool], server: Server) -> None:
    browser, korean = page
    browser.open(server, "change_style")
    browser.click("#change_style-style input")
    browser.wait(lambda: browser.texts("#change_style-style [role=option]"))
    options = browser.texts("#change_style-style [role=option]")
    assert options[-1].removeprefix("✓").strip() == ("번역기" if korean else "Machine translation")


def test_rest_streams_it_and_tells_its_english(own: Server) -> None:
    *partial, result = events(post(own, "spell_out/stream", REQUEST))
    assert [data for _, data in partial] == [{"syllables": [FIRST]}, {"syllables": [FIRST, SECOND]}]
    assert result == ("result", post(own, "spell_out", REQUEST).json())
    cards = {card["name"]: card for card in own.http.get("/api/functions").json()["functions"]}
    assert cards["spell_out"]["streams"]
    assert cards["spell_out"]["english"] == ENGLISH
    assert cards["count_letters"]["english"] == {"title": "Count letters", "description": ""}


def test_mcp_shows_its_progress(own: Server) -> None:
    seen: list[str | None] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append(message)

    async def ask() -> None:
        async with Client(f"{own.url}/mcp") as client:
            (tool,) = [tool for tool in (await client.list_tools()).tools if tool.name == "spell_out"]
            result = await client.call_tool("spell_out", REQUEST, progress_callback=progress)
        assert tool.title == "낱자 풀기"
        assert result.structured_content == {"syllables": [FIRST, SECOND]}

    anyio.run(ask)
    assert [json.loads(message or "") for message in seen] == [{"syllables": [FIRST]}, {"syllables": [FIRST, SECOND]}]


def test_the_command_streams_it_and_lists_its_english(own: Server) -> None:
    def kogpt(*arguments: str) -> str:
        return subprocess.run(command(*arguments), cwd=own.home, capture_output=True, check=True).stdout.decode()

    lines = kogpt("call", "spell_out", "--text", "강a", "--between", "붙임표", "--stream").splitlines()
    assert [json.loads(line) for line in lines] == [{"syllables": [FIRST]}, {"syllables": [FIRST, SECOND]}]
    listed = {entry["name"]: entry for entry in json.loads(kogpt("list", "--json"))}
    assert listed["spell_out"]["english"] == ENGLISH
