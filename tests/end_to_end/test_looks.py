"""How the page and the story site look and read: axe-core, three widths, light and dark, titles, phone, copying."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from browser import Page, chromium
from selenium.webdriver.common.keys import Keys
from stories_server import OPENING
from suite_server import Server

from kogpt_funcs.contract.registry import functions

FORMS = [function for function in functions().values() if not function.talk]
SCREENS = pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (768, "dark"), (375, "dark"), (375, "light")])
_INPUTS = """
const typed = (e) => e.offsetParent && !["radio", "checkbox", "range", "file"].includes(e.type);
return [...document.querySelectorAll("input, textarea, select")].filter(typed)
  .map((e) => parseFloat(getComputedStyle(e).fontSize));
"""
_WIDTHS = (
    "return [document.querySelector(arguments[0]).getBoundingClientRect().width, document.documentElement.scrollWidth]"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("korean"), "ko-KR") as page:
        yield page


@pytest.fixture
def phone(page: Page) -> Iterator[Page]:
    page.screen(375, height=700)
    yield page
    page.screen(1280)


def answered(page: Page, name: str) -> None:
    page.wait(lambda: page.answers(name) and page.texts(f"#{name}-run"))


@SCREENS
def test_each_tab_is_readable_and_as_wide_as_the_others(page: Page, server: Server, width: int, scheme: str) -> None:
    page.screen(width, scheme)
    page.open(server)
    found = set()
    for function in FORMS:
        page.choose(function.name)
        assert page.findings() == [], function.name
        column, whole = page.driver.execute_script(_WIDTHS, f"#{function.name}")
        found.add(round(column))
        assert whole <= width
        if width < 500:
            assert min(page.driver.execute_script(_INPUTS)) >= 16  # below, iOS zooms in and stays there
    assert len(found) == 1
    assert found.pop() > min(width, 1120) - 75  # but for the margins and a scrollbar


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_refused_says_so_to_eyes_and_screen_readers(page: Page, server: Server, scheme: str) -> None:
    function = next(f for f in FORMS if f.fields[f.main_field].longest)
    name, field = function.name, function.main_field
    page.screen(1280, scheme)
    page.open(server, name)
    page.put(name, field, "가" * (function.fields[field].longest + 1))
    page.run(name)
    box = page.box(name, field)
    page.wait(lambda: box.get_attribute("aria-invalid") == "true")
    described = page.one(f"#{box.get_attribute('aria-describedby')}")
    assert described.text == page.alerts(name)[0]
    assert page.findings() == []
    page.put(name, field, str(function.examples[0][field]))
    page.run(name)
    page.wait(lambda: page.box(name, field).get_attribute("aria-invalid") is None)
    answered(page, name)
    assert page.findings() == []


def test_a_phone_shows_the_answer_when_it_starts(phone: Page, server: Server) -> None:
    function = FORMS[-1]
    phone.open(server, function.name)
    for name, value in function.examples[0].items():
        if isinstance(value, str) and not function.fields[name].choices:
            phone.put(function.name, name, value)
    phone.run(function.name)
    answered(phone, function.name)
    place = f"return document.querySelector('#{function.name} .kogpt-answer').getBoundingClientRect().top"
    phone.wait(lambda: 0 <= phone.driver.execute_script(place) < 700)


def test_an_answer_is_copied_without_the_clipboard_of_secure_pages(page: Page, server: Server) -> None:
    function = next(f for f in FORMS if next(iter(f.answers.values())).kind is str)
    page.screen(1280)
    page.open(server, function.name)
    page.driver.execute_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.put(function.name, function.main_field, str(function.examples[0][function.main_field]))
    page.run(function.name)
    answered(page, function.name)
    page.click(f"#{function.name} .kogpt-answer button.kogpt-copy")
    page.wait(lambda: page.texts(".kogpt-copied") == ["복사됨"])
    box = page.box(function.name, function.main_field)
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(Keys.CONTROL, "v")
    assert box.get_property("value") == page.answers(function.name)[0]


def test_the_title_follows_the_tab(page: Page, server: Server) -> None:
    page.open(server)
    for function in reversed(functions().values()):  # the first tab is open already
        page.click(f"button[role=tab][data-tab-id={function.name}]")
        page.wait(lambda function=function: page.driver.title == f"{function.title} · 한국어 글 함수")


@pytest.mark.parametrize(("spoken", "suite"), [("ko", "한국어 글 함수"), ("en", "Korean text functions")])
def test_a_link_tells_what_it_leads_to(server: Server, spoken: str, suite: str) -> None:
    for function in functions().values():
        said = function.english if spoken == "en" else function
        response = server.http.get("/", params={"tab": function.name}, headers={"Accept-Language": spoken})
        assert re.search(r'<html\s[^>]*?lang="(\w+)"', response.text)[1] == spoken
        title = f"{said.title} · {suite}"
        assert re.findall("<title>(.*?)</title>", response.text) == [title]
        assert {meta(response.text, "og:title"), re.search(r'"title":"(.*?)"', response.text)[1]} == {title}
        assert meta(response.text, "description") == meta(response.text, "og:description")
        assert meta(response.text, "description").startswith(said.description.split("\n")[0][:10])
        assert "width=device-width" in meta(response.text, "viewport")
        assert "__i18n__" not in response.text.partition("</head>")[0].partition("gradio_config")[0]
    for address in (meta(response.text, "og:image"), "/favicon.ico", "/page/icon.svg"):
        assert server.http.get(address).headers["content-type"].startswith("image/")


def meta(html: str, name: str) -> str:
    """The content of the only meta element of this name."""
    (content,) = re.findall(rf'<meta\s+(?:name|property)="{name}"\s+content="([^"]*)"', html)
    return unescape(content)


def test_a_page_in_another_language_is_english_throughout(
    tmp_path_factory: pytest.TempPathFactory, server: Server
) -> None:
    with chromium(tmp_path_factory.mktemp("french"), "fr-FR") as page:
        page.open(server, FORMS[0].name)
        assert page.texts(f"#{FORMS[0].name}-run") == ["Run"]
        assert not re.search("[가-힣]", " ".join(page.texts(".kogpt-header, .kogpt-title, .kogpt-footer")))


@SCREENS
def test_the_story_site_is_readable(page: Page, server: Server, width: int, scheme: str) -> None:
    page.screen(width, scheme)
    story = server.http.post("/stories/api/stories", json=OPENING).json()
    for path in ("", "new", story["id"], f"{story['id']}/tree", "nothing-here"):
        page.driver.get(f"{server.url}/stories/{path}")
        assert page.findings() == [], path
        assert page.driver.title
        assert page.one("meta[name=viewport]")
        assert page.driver.execute_script("return document.documentElement.lang") == "ko"
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= width
        if width < 500:
            assert min(page.driver.execute_script(_INPUTS) or [16]) >= 16
