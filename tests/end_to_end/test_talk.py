"""The bubbles of a function that talks, in a real browser: what is said stays text and stays here; clear, retry, copy,
speech.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from browser import Page, chromium
from suite_server import KEY, Server

from kogpt_funcs.contract.registry import functions
from kogpt_funcs.surfaces.talk.words import WORDS

TALKING = [name for name, function in functions().items() if function.talk]
REPLIES = "#turns .assistant:not(.growing) .said"
HOSTILE = (
    "<img src=x onerror='window.hurt=1'><script>window.hurt=1</script> **굵게** [글](javascript:window.hurt=1) {{7*7}}"
)
#: A browser's recognition asks a service that a test has not; this one hears at once.
EAR = """
window.SpeechRecognition = window.webkitSpeechRecognition = class {
  start() { setTimeout(() => { this.onresult({results: [[{transcript: "말로 적은 것"}]]}); this.onend(); }, 0); }
  stop() { this.onend(); }
};
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("talk"), "ko-KR") as page:
        yield page


@pytest.fixture
def bubbles(page: Page, workshop: Server) -> Page:
    """The bubbles of a function that says back what is said, nothing said yet."""
    visit(page, workshop, "talk_back")
    page.driver.execute_script("localStorage.clear()")
    visit(page, workshop, "talk_back")
    return page


def visit(page: Page, server: Server, name: str) -> None:
    page.driver.get(f"{server.url}/talk/{name}/")
    page.wait(lambda: page.texts("#welcome, #turns .said"))


def say(page: Page, text: str) -> None:
    before = len(page.all(REPLIES))
    page.one("#message").send_keys(text + "\n")
    page.wait(lambda: len(page.all(REPLIES)) > before or page.texts("#notice"))


def kept(page: Page) -> list[dict[str, object]]:
    return json.loads(page.driver.execute_script("return localStorage['kogpt-talk-talk_back'] || '{\"turns\": []}'"))[
        "turns"
    ]


def test_what_is_said_is_answered_with_its_korean_time_and_badge(bubbles: Page) -> None:
    say(bubbles, "안녕!")
    assert bubbles.texts("#turns .said") == ["안녕!", "안녕!"]
    assert bubbles.texts("#turns .badge.mood") == ["기분 들뜸"]
    shown = [element.get_attribute("datetime") for element in bubbles.all("#turns time")]
    moments = [datetime.fromisoformat(text).astimezone(ZoneInfo("Asia/Seoul")) for text in shown]
    korean = [f"{'오전' if t.hour < 12 else '오후'} {t.hour % 12 or 12}:{t.minute:02}" for t in moments]
    assert bubbles.texts("#turns time") == korean
    assert bubbles.complaints() == []


def test_markup_stays_text_now_and_after_a_reload(bubbles: Page, workshop: Server) -> None:
    say(bubbles, HOSTILE)
    for _ in range(2):
        assert bubbles.texts("#turns .said") == [HOSTILE, HOSTILE]
        assert bubbles.all("#turns :is(img, script, a, b, strong)") == []
        assert bubbles.driver.execute_script("return window.hurt") is None
        visit(bubbles, workshop, "talk_back")


def test_a_forged_history_in_the_browser_is_shown_as_text_or_not_at_all(bubbles: Page, workshop: Server) -> None:
    turn = {"role": "assistant", "content": HOSTILE, "at": 1, "notes": [["mood", HOSTILE], ["<b>", "x"]]}
    forged = [
        turn,
        {"role": "<img>", "content": "x"},
        None,
        {"role": "user", "content": {"a": 1}, "at": 1, "notes": []},
    ]
    put = "localStorage['kogpt-talk-talk_back'] = arguments[0]"
    bubbles.driver.execute_script(put, json.dumps({"turns": forged}))
    visit(bubbles, workshop, "talk_back")
    assert bubbles.texts("#turns .said") == [HOSTILE]
    assert bubbles.driver.execute_script("return window.hurt") is None
    bubbles.driver.execute_script(put, "no json")
    visit(bubbles, workshop, "talk_back")
    assert bubbles.texts("#welcome")


def test_the_talk_stays_in_this_browser_alone(bubbles: Page, workshop: Server) -> None:
    say(bubbles, "하나")
    visit(bubbles, workshop, "talk_back")
    say(bubbles, "둘")
    assert [turn["content"] for turn in kept(bubbles)] == ["하나", "하나", "둘", "둘"]
    assert bubbles.texts("#turns .said") == ["하나", "하나", "둘", "둘"]
    another = workshop.http.get("/talk/talk_back/")
    assert "하나" not in another.text
    assert another.headers.get("set-cookie") is None


def test_clearing_forgets_and_may_be_undone(bubbles: Page) -> None:
    say(bubbles, "지울 말")
    bubbles.click("#clear")
    assert (bubbles.texts("#turns .said"), kept(bubbles)) == ([], [])
    bubbles.click("#notice button")
    assert bubbles.texts("#turns .said") == ["지울 말", "지울 말"]
    bubbles.click("#clear")
    say(bubbles, "새 말")
    assert [turn["content"] for turn in kept(bubbles)] == ["새 말", "새 말"]


def test_another_answer_takes_the_place_of_the_last(bubbles: Page) -> None:
    say(bubbles, "처음")
    say(bubbles, "다음")
    assert len(bubbles.all("#turns .retry")) == 1
    before = kept(bubbles)[-1]["at"]
    bubbles.click("#turns .retry")
    bubbles.wait(lambda: kept(bubbles)[-1]["role"] == "assistant" and kept(bubbles)[-1]["at"] != before)
    assert [turn["content"] for turn in kept(bubbles)] == ["처음", "처음", "다음", "다음"]


def test_a_text_that_is_refused_comes_back_with_a_sentence(bubbles: Page) -> None:
    bubbles.driver.execute_script("document.getElementById('message').removeAttribute('maxlength')")
    bubbles.driver.execute_script("document.getElementById('message').value = '가'.repeat(501)")
    bubbles.click("#send")
    bubbles.wait(lambda: bubbles.texts("#notice"))
    assert bubbles.texts("#notice") == ["500자까지 쓸 수 있습니다."]
    assert bubbles.one("#message").get_property("value") == "가" * 501
    assert kept(bubbles) == []
    assert ["422" in complaint for complaint in bubbles.complaints()] == [True]


def test_a_text_is_copied(bubbles: Page, workshop: Server) -> None:
    grant = {"origin": workshop.url, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    bubbles.driver.execute_cdp_cmd("Browser.grantPermissions", grant)
    say(bubbles, "<b>베낄 말</b>")
    bubbles.all("#turns .copy")[-1].click()
    bubbles.wait(lambda: bubbles.all("#turns .copy.done"))
    read = "navigator.clipboard.readText().then(arguments[0])"
    assert bubbles.driver.execute_async_script(read) == "<b>베낄 말</b>"


def test_speech_is_offered_where_the_browser_has_it(bubbles: Page, workshop: Server) -> None:
    for script, there in (
        (EAR, True),
        ("delete window.speechSynthesis; window.SpeechRecognition = window.webkitSpeechRecognition = null", False),
    ):
        added = bubbles.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        visit(bubbles, workshop, "talk_back")
        if there:
            say(bubbles, "읽어 줄 말")
            bubbles.all("#turns .speak")[-1].click()
            assert bubbles.complaints() == []
            bubbles.click("#dictate")
            bubbles.wait(lambda: bubbles.one("#message").get_property("value") == "말로 적은 것")
        assert bubbles.one("#dictate").is_displayed() == there
        assert bool(bubbles.all("#turns .speak")) == there
        bubbles.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_a_phone_scrolls_down_only(bubbles: Page, workshop: Server) -> None:
    screen = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    bubbles.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        visit(bubbles, workshop, "talk_back")
        say(bubbles, "가" * 300)
        assert bubbles.driver.execute_script("return document.documentElement.scrollWidth") <= 360
        assert bubbles.driver.execute_script("return document.documentElement.scrollHeight") <= 740
        composer = bubbles.one("#composer").rect
        assert composer["y"] + composer["height"] <= 740
    finally:
        bubbles.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("name", TALKING)
def test_the_suites_tab_shows_the_bubbles(page: Page, server: Server, name: str) -> None:
    page.driver.get(f"{server.url}/")
    page.requests_elsewhere(server)  # forgets those to the other server
    page.wait(lambda: page.all("button[role=tab]"))
    page.click(f"button[role=tab][data-tab-id={name}]")
    page.wait(lambda: page.all(f"#{name} iframe"))
    page.driver.switch_to.frame(page.one(f"#{name} iframe"))
    try:
        page.wait(lambda: page.texts("#examples .chip"))
        # What a test's ear does not ask, a browser's does: may this frame hear at all?
        assert page.driver.execute_script("return document.featurePolicy.allowsFeature('microphone')")
        page.click("#examples .chip")
        page.click("#send")
        page.wait(lambda: page.texts(REPLIES))
        assert re.search("[가-힣]", page.texts(REPLIES)[0])
        assert page.texts("#turns .badge")
    finally:
        page.driver.switch_to.default_content()
    assert page.complaints() == []
    assert page.requests_elsewhere(server) == []


@pytest.mark.parametrize("name", TALKING)
def test_settings_are_sent_and_kept(page: Page, server: Server, name: str) -> None:
    function = functions()[name]
    example = next(e for e in function.examples if set(e) - {function.talk.message, function.talk.history, "seed"})
    visit(page, server, name)
    page.driver.execute_script("localStorage.clear()")
    visit(page, server, name)
    place = [e for e in function.examples if not e.get(function.talk.history)].index(example)
    page.all("#examples .chip")[place].click()
    settings = {key: value for key, value in example.items() if key != function.talk.message}
    stored = json.loads(page.driver.execute_script(f"return localStorage['kogpt-talk-{name}']"))
    assert stored["settings"] == settings


def test_an_english_browser_reads_english(workshop: Server) -> None:
    html = workshop.http.get("/talk/talk_back/", headers={"Accept-Language": "en-US"}).text
    assert "<title>Talk back</title>" in html
    assert WORDS["private"][1] in html


def test_the_page_may_run_and_fetch_nothing_from_elsewhere(workshop: Server) -> None:
    policy = workshop.http.get("/talk/talk_back/").headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/talk/nobody/", "/talk/count_letters/", "/talk/<script>/"])
def test_what_does_not_talk_is_not_found(workshop: Server, path: str) -> None:
    answer = workshop.http.get(path)
    assert answer.status_code == 404
    assert "talk_back" in answer.json()["error"]["message"]


def test_the_bubbles_need_no_key_and_refuse_what_is_too_large(locked: Server) -> None:
    (name, *_) = TALKING
    assert locked.http.get(f"/talk/{name}/").status_code == 200
    assert KEY not in locked.http.get(f"/talk/{name}/").text
    talk = functions()[name].talk
    huge = [{"role": "user", "content": "가" * 2000}] * 2000
    assert locked.http.post(f"/talk/{name}/reply", json={talk.message: "안녕", talk.history: huge}).status_code == 413
    answer = locked.http.post(f"/talk/{name}/reply", json={talk.message: "지금 몇 시야?"})
    assert "event: result" in answer.text


def test_every_word_is_said_in_both_languages() -> None:
    assert all(re.search("[가-힣]", korean) and not re.search("[가-힣]", english) for korean, english in WORDS.values())
