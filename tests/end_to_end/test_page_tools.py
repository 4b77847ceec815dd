"""Beside the forms, in a real browser: links, programs, Ctrl+Enter, counts of characters, examples, this visit's
answers.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from browser import Page, chromium
from rest_client import post
from selenium.webdriver.common.keys import Keys
from suite_server import Server

from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.registry import functions

FORMS = [function for function in functions().values() if not function.talk]
AWKWARD = "<b>'가'</b> \"$HOME\" `x` \\ 😀"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("tools"), "ko-KR") as page:
        yield page


def follow(page: Page, server: Server, function: str, query: str) -> None:
    page.driver.get(f"{server.url}/?{query}")
    page.wait(lambda: page.texts(f"#{function}-run"))


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.driver.current_url).query, keep_blank_values=True)


def value(page: Page, function: str, field: str) -> str:
    return page.box(function, field).get_property("value")


def programs(page: Page, function: str) -> dict[str, str]:
    """What the fold says, by language."""
    if not page.all(f"#{function}-tools .kogpt-calls[open]"):
        page.click(f"#{function}-tools .kogpt-calls summary")
    page.wait(lambda: all(page.texts(f"#{function}-tools pre")))
    return {
        pre.get_attribute("data-language"): pre.get_property("textContent")
        for pre in page.all(f"#{function}-tools pre")
    }


def told(page: Page, function: str) -> dict[str, Any]:
    """The input that the curl command sends."""
    words = shlex.split(programs(page, function)["curl"].replace("\\\n", " "))
    return json.loads(words[words.index("-d") + 1])


@pytest.mark.parametrize("function", FORMS, ids=lambda f: f.name)
def test_a_link_fills_the_form_and_the_form_gives_the_link(page: Page, server: Server, function: Function) -> None:
    for example in function.examples:
        texts = {name: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for name, v in example.items()}
        follow(page, server, function.name, urlencode({"tab": function.name, **texts}))
        defaults = {name: shape.default for name, shape in function.fields.items()}
        wanted = {name: v for name, v in example.items() if function.fields[name].required or v != defaults[name]}
        page.wait(lambda wanted=wanted: told(page, function.name) == wanted)
        assert page.alerts(function.name) == []
        page.wait(lambda wanted=wanted: set(asked(page)) == {"tab", *wanted})
        assert page.complaints() == []


def test_lists_and_models_travel_in_a_link(page: Page, workshop: Server) -> None:
    given = {"text": AWKWARD, "least": 2, "spaces": False, "only": ["가", "나 다"], "pause": {"seconds": 0.5}}
    texts = {name: v if isinstance(v, str) else json.dumps(v) for name, v in given.items()}
    follow(page, workshop, "count_letters", urlencode({"tab": "count_letters", **texts}))
    page.wait(lambda: told(page, "count_letters") == given)


def test_what_does_not_fit_in_a_link_is_told_beside_its_field(page: Page, workshop: Server) -> None:
    before = len(workshop.log)  # a broken function has logged its own faults
    query = urlencode({"tab": "count_letters", "text": "안녕", "least": "999", "only": "{", "utm_source": "x"})
    follow(page, workshop, "count_letters", query)
    page.wait(lambda: len(page.alerts("count_letters")) == 2)
    assert (value(page, "count_letters", "text"), value(page, "count_letters", "least")) == ("안녕", "1")
    for odd in ("tab=nothing", "%zz&&&=", f"tab=count_letters&text={'a' * 20_000}"):
        page.driver.get(f"{workshop.url}/?{odd}")
        page.wait(lambda: page.texts("button[role=tab]"))
    assert "Traceback" not in workshop.log[before:]


def test_the_address_follows_and_the_back_button_goes_back(page: Page, workshop: Server) -> None:
    page.open(workshop, "count_letters")
    before = page.driver.execute_script("return history.length")
    page.put("count_letters", "text", "가나")
    page.wait(lambda: asked(page) == {"tab": ["count_letters"], "text": ["가나"]})
    page.put("count_letters", "text", "가나다")
    page.wait(lambda: asked(page)["text"] == ["가나다"])
    assert page.driver.execute_script("return history.length") == before, "typing adds nothing to go back to"
    page.choose("spell_out")
    page.wait(lambda: asked(page) == {"tab": ["spell_out"]})
    page.driver.back()
    page.wait(lambda: asked(page).get("text") == ["가나다"])
    page.wait(lambda: page.texts("#count_letters-run") and value(page, "count_letters", "text") == "가나다")
    page.driver.forward()
    page.wait(lambda: page.texts("#spell_out-run"))


def test_a_link_is_copied_and_says_what_it_had_no_room_for(page: Page, workshop: Server) -> None:
    page.open(workshop, "count_letters")
    page.driver.execute_cdp_cmd(
        "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    )
    for text, said, kept in (("가나", "링크를 복사했습니다.", True), ("가" * 900, "담지 못했습니다", False)):
        page.put("count_letters", "text", text)
        page.wait(lambda text=text: told(page, "count_letters")["text"] == text)
        page.click("#count_letters-tools .kogpt-share")
        page.wait(lambda said=said: said in "".join(page.texts("#count_letters-tools .kogpt-shared")))
        link = page.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
        assert ("text" in parse_qs(urlsplit(link).query)) == kept
        assert parse_qs(urlsplit(link).query)["tab"] == ["count_letters"]


@pytest.mark.parametrize("language", ["curl", "Python", "JavaScript"])
def test_each_program_asks_what_stands_in_the_form(page: Page, workshop: Server, language: str) -> None:
    page.open(workshop, "count_letters")
    page.put("count_letters", "text", AWKWARD)
    page.put("count_letters", "only", "가\n'")
    page.wait(lambda: told(page, "count_letters") == {"text": AWKWARD, "only": ["가", "'"]})
    program = programs(page, "count_letters")[language]
    commands = {
        "curl": ["bash", "-c", program.replace("curl ", "curl -s ", 1)],
        "Python": [sys.executable, "-c", program.replace("print(answer.json())", "print(answer.text)")],
        "JavaScript": ["node", "--input-type=module", "-e", program.replace("answer.json()", "answer.text()")],
    }
    done = subprocess.run(commands[language], capture_output=True, check=True, timeout=60)
    wanted = post(workshop, "count_letters", {"text": AWKWARD, "only": ["가", "'"]}).json()
    assert json.loads(done.stdout.decode()) == wanted


def test_control_enter_runs(page: Page, workshop: Server) -> None:
    page.open(workshop, "count_letters")
    page.box("count_letters", "text").send_keys("가나다", Keys.CONTROL, Keys.ENTER)
    page.wait(lambda: "가나다" in page.answers("count_letters"))
    assert value(page, "count_letters", "text") == "가나다"


def test_characters_are_counted_near_the_limit(page: Page, workshop: Server) -> None:
    page.open(workshop, "count_letters")
    page.put("count_letters", "text", "😀" * 79)
    page.wait(lambda: told(page, "count_letters")["text"] == "😀" * 79)
    assert page.texts("#count_letters .kogpt-count") == []
    page.put("count_letters", "text", "😀" * 80)
    page.wait(lambda: page.texts("#count_letters .kogpt-count") == ["80 / 100자"])
    page.put("count_letters", "text", "가" * 101)
    page.wait(lambda: page.texts("#count_letters .kogpt-count.over") == ["101 / 100자"])


@pytest.mark.parametrize("function", FORMS, ids=lambda f: f.name)
def test_an_example_runs(page: Page, server: Server, function: Function) -> None:
    page.open(server, function.name)
    before = page.answer(function.name)
    page.click(f"#{function.name}-examples .gallery-item")
    page.wait(lambda: page.answer(function.name) != before)
    page.wait(lambda: page.texts(f"#{function.name}-run") and page.answers(function.name))
    assert page.alerts(function.name) == []


def test_this_visit_is_kept_in_this_tab_as_text(page: Page, workshop: Server) -> None:
    page.open(workshop, "count_letters")
    page.driver.execute_script("sessionStorage.clear()")
    text = "<img src=x onerror=alert(1)>"
    page.put("count_letters", "text", text)
    page.run("count_letters")
    fold = "#count_letters-tools .kogpt-visit"
    page.wait(lambda: page.texts(f"{fold} .kogpt-visits") == ["1"])
    page.put("count_letters", "text", "")
    page.run("count_letters")  # a complaint is no answer
    page.open(workshop, "count_letters")
    page.wait(lambda: page.texts(f"{fold} .kogpt-visits") == ["1"])
    page.click(f"{fold} summary")
    (entry,) = page.texts(f"{fold} li")
    assert text in entry
    assert "센 글" in entry
    assert page.all(f"{fold} img") == []
    page.click(f"{fold} li button")
    page.wait(lambda: value(page, "count_letters", "text") == text)
    here = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    page.open(workshop, "count_letters")
    assert page.texts(fold) == []
    page.driver.close()
    page.driver.switch_to.window(here)
    page.click(f"{fold} .kogpt-forget")
    page.wait(lambda: page.texts(fold) == [])
    assert page.driver.execute_script("return sessionStorage.getItem('kogpt-visit')") is None


@pytest.mark.parametrize("width", [1280, 768, 375])
def test_nothing_beside_the_form_is_wider_than_the_screen(page: Page, workshop: Server, width: int) -> None:
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 768}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        page.open(workshop, "count_letters")
        page.put("count_letters", "text", "가" * 90)
        page.run("count_letters")
        programs(page, "count_letters")
        page.wait(lambda: page.texts("#count_letters-tools .kogpt-visit"))
        page.click("#count_letters-tools .kogpt-visit summary")
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_gradios_own_panel_shows_our_endpoints(page: Page, server: Server) -> None:
    page.requests_elsewhere(server)  # what earlier tests asked of other servers
    page.open(server)
    page.driver.execute_script("document.querySelector('footer button').click()")
    for name in functions():
        page.wait(lambda name=name: f"/{name}" in page.one("body").text)
    assert page.requests_elsewhere(server) == []
