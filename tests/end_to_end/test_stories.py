"""The story site as people use it: two browsers at once, one Korean and one English, on one server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import PUT, Page, chromium
from stories_server import OPENING, StoriesServer, stories_server
from suite_server import KEY, serving

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoriesServer]:
    with stories_server(tmp_path_factory.mktemp("library")) as server:
        yield server


@pytest.fixture(scope="module")
def korean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("korean"), "ko-KR") as page:
        yield page


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("english"), "en-US") as page:
        yield page


@pytest.fixture
def story(library: StoriesServer) -> dict[str, Any]:
    return library.http.post("/api/stories", json=OPENING).json()


def visit(page: Page, library: StoriesServer, path: str = "/") -> None:
    page.driver.get(f"{library.url}/stories{path}")


def put(page: Page, css: str, text: str) -> None:
    page.driver.execute_script(PUT, page.one(css), text)


def parts(page: Page) -> list[str]:
    return page.texts(".part > p")


def add(page: Page, text: str) -> None:
    put(page, "#next textarea", text)
    page.click("#send")
    page.wait(lambda: text in parts(page))


def test_one_opens_a_story_and_another_reads_along(library: StoriesServer, korean: Page, english: Page) -> None:
    visit(korean, library)
    korean.click(".bar a.strong")
    put(korean, "[name=title]", "두 사람의 이야기")
    put(korean, "[name=opening]", "첫 문장이다.\n둘째 줄이다.")
    put(korean, "[name=author]", "가람")
    korean.click("#new button")
    korean.wait(lambda: korean.all("#book"))
    assert parts(korean) == ["첫 문장이다.", "둘째 줄이다."]
    english.driver.get(korean.driver.current_url)
    assert english.texts("#send") == ["Add it"]
    put(korean, "#next textarea", "가람이 쓰는 중")
    english.wait(lambda: english.texts("#status"))
    assert "가람" in english.texts("#status")[0]
    assert not korean.texts("#status")
    add(korean, "가람이 이었다.")
    english.wait(lambda: "가람이 이었다." in parts(english))
    add(english, "And an answer.")
    korean.wait(lambda: "And an answer." in parts(korean))
    visit(english, library)
    assert english.texts(".shelf h2")[0] == "두 사람의 이야기"
    assert korean.complaints() == english.complaints() == []
    assert korean.requests_elsewhere(library) == english.requests_elsewhere(library) == []


def test_the_slower_one_keeps_the_text_and_branches(
    library: StoriesServer, story: dict[str, Any], korean: Page, english: Page
) -> None:
    for page in (korean, english):
        visit(page, library, f"/{story['id']}")
    put(korean, "#next [name=author]", "가람")
    put(korean, "#next textarea", "가람의 차례다.")
    english.wait(lambda: english.texts("#status"))
    put(english, "#next textarea", "I was slower.")
    english.click("#send")
    english.wait(lambda: english.texts("#notice button"))
    assert "가람" in english.texts("#notice")[0]
    assert english.one("#next textarea").get_property("value") == "I was slower."
    assert english.texts("#drafts button") == ["Drafts kept: 1"]
    add(korean, "가람의 차례다.")
    english.wait(lambda: "가람의 차례다." in parts(english))
    assert english.one("#next textarea").get_property("value") == "I was slower."
    english.click(f"#p{story['parts'][0]['id']}")
    english.click(f"#p{story['parts'][0]['id']} .branch")
    english.wait(lambda: english.texts("#notice button") == ["Cancel"])
    english.click("#send")
    english.wait(lambda: "?branch=" in english.driver.current_url and "I was slower." in parts(english))
    assert "가람의 차례다." not in parts(english)
    korean.wait(lambda: korean.texts(".ways a") == ["I was slower."])
    visit(korean, library, f"/{story['id']}/tree")
    assert korean.texts(".tree li a") == [OPENING["opening"], "I was slower.", "가람의 차례다."]
    korean.complaints(), english.complaints()  # a 409 is told in the console, too


def test_ones_own_last_part_is_taken_back_for_all(
    library: StoriesServer, story: dict[str, Any], korean: Page, english: Page
) -> None:
    for page in (korean, english):
        visit(page, library, f"/{story['id']}")
    add(korean, "잘못 썼다.")
    english.wait(lambda: "잘못 썼다." in parts(english))
    assert not english.texts(".undo")
    korean.wait(lambda: korean.texts(".undo") == ["되돌리기"])
    korean.driver.execute_script("window.confirm = () => true")
    korean.click(".undo")
    for page in (korean, english):
        page.wait(lambda page=page: parts(page) == [OPENING["opening"]])


def test_the_machine_offers_and_one_picks_refuses_or_edits(
    library: StoriesServer, story: dict[str, Any], korean: Page
) -> None:
    library.http.post(
        f"/api/stories/{story['id']}/suggest", json={"parent": story["parts"][0]["id"]}
    )  # the model is loaded
    visit(korean, library, f"/{story['id']}")
    korean.click("#ask")
    korean.wait(lambda: korean.texts("#candidates p"))
    offered = korean.texts("#candidates p")
    korean.click("#candidates li:last-child button:last-child")
    assert korean.texts("#candidates p") == offered[:-1]
    korean.click("#ask")
    korean.wait(lambda: korean.texts("#candidates p") not in ([], offered[:-1]))
    picked = korean.texts("#candidates p")[0]
    korean.click("#candidates li:first-child button:nth-child(2)")
    assert korean.one("#next textarea").get_property("value") == picked
    korean.click("#candidates li:first-child button:first-child")
    korean.wait(lambda: picked in parts(korean))
    last = library.http.get(f"/api/stories/{story['id']}").json()["parts"][-1]
    assert (last["text"], last["by"]) == (picked, "machine")
    assert "기계" in korean.texts(".part:last-child footer")[0]


def test_what_people_write_stays_text(library: StoriesServer, korean: Page) -> None:
    korean.complaints()
    story = library.http.post(
        "/api/stories", json={**OPENING, "title": HOSTILE, "author": HOSTILE[:30], "notes": HOSTILE}
    ).json()
    body = {"text": HOSTILE, "author": "'\"><b>", "parent": story["parts"][0]["id"], "version": 1}
    library.http.post(f"/api/stories/{story['id']}/parts", json=body)
    for path in ("/", f"/{story['id']}", f"/{story['id']}/tree", f"/?q={HOSTILE}"):
        visit(korean, library, path)
        assert HOSTILE in korean.one("main").text or korean.texts("#text h1, .shelf h2, .tree h1")[0] == HOSTILE
        assert not korean.all("main img, main script, main b")
    visit(korean, library, f"/{story['id']}")
    assert HOSTILE in parts(korean)
    korean.driver.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\">')"
    )
    assert korean.driver.title == HOSTILE  # were anything let through, the policy would still keep it from running
    assert all("Content Security Policy" in line or "404" in line for line in korean.complaints())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_every_page_fits_its_screen(
    library: StoriesServer, story: dict[str, Any], korean: Page, width: int, scheme: str
) -> None:
    devtools = korean.driver.execute_cdp_cmd
    devtools(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    devtools("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    library.http.post("/api/stories", json={**OPENING, "title": "긴" * 100, "opening": "a" * 2000})
    try:
        for path in ("/", "/new", f"/{story['id']}", f"/{story['id']}/tree", "/nothing-here"):
            visit(korean, library, path)
            assert korean.driver.execute_script("return document.documentElement.scrollWidth") <= width, path
            text, paper = korean.driver.execute_script(
                "const s = getComputedStyle(document.documentElement); return [s.color, s.backgroundColor]"
            )
            assert (brightness(text) < brightness(paper)) == (scheme == "light")
            assert abs(brightness(text) - brightness(paper)) > 150
        visit(korean, library, f"/{story['id']}")
        letters = korean.driver.execute_script(
            "const p = document.querySelector('.part p'), s = getComputedStyle(p); return p.clientWidth / "
            "parseFloat(s.fontSize)"
        )
        assert 18 < letters < 42
    finally:
        devtools("Emulation.clearDeviceMetricsOverride", {})
        devtools("Emulation.setEmulatedMedia", {"features": []})


def brightness(colour: str) -> float:
    return sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) / 3


def test_the_suite_leads_to_the_library_though_its_api_is_locked(tmp_path: Path, korean: Page) -> None:
    environment = {"KOGPT_DATA": str(tmp_path / "data"), "KOGPT_API_KEY": KEY, "KOGPT_BASE": "small"}
    with serving(tmp_path / "log", environment=environment) as suite:
        korean.open(suite)
        korean.click(".kogpt-footer a[href$='stories/']")
        korean.wait(lambda: korean.driver.current_url.endswith("/stories/"))
        korean.wait(lambda: korean.texts("h1") == ["릴레이 소설 서재"])
        assert suite.http.get("/api/stories").status_code == 401
        story = suite.http.post("/stories/api/stories", json=OPENING).json()
        korean.driver.get(f"{suite.url}/stories/{story['id']}")
        add(korean, "열쇠 없이도 쓴다.")
        assert suite.http.get("/api/openapi.json").json()["paths"]["/stories/{story}/parts"]["post"]
        korean.click(".bar a")
        korean.wait(lambda: korean.texts(".shelf h2") == [OPENING["title"]])
