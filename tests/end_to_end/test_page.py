"""The page in a real browser: type Korean, press the button, read the answer, on every function of the registry."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from browser import PUT, Page, chromium
from suite_server import Server

from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.registry import functions
from kogpt_funcs.surfaces.ceiling import MOST_BYTES

_HANGUL = re.compile("[ㄱ-ㅎ가-힣]")

#: Those that talk show bubbles instead of a form: test_talk.py
FORMS = [function for function in functions().values() if not function.talk]
every_function = pytest.mark.parametrize("function", FORMS, ids=lambda f: f.name)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("korean"), "ko-KR") as page:
        yield page


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("english"), "en-US") as page:
        yield page


def required_texts(function: Function) -> list[str]:
    return [name for name, info in function.input.model_fields.items() if info.is_required() and info.annotation is str]


@every_function
def test_typed_korean_is_answered(page: Page, server: Server, function: Function) -> None:
    page.open(server, function.name)
    for name in required_texts(function):
        page.box(function.name, name).send_keys(function.examples[0][name])
    page.run(function.name)
    assert page.alerts(function.name) == []
    answers = page.answers(function.name)
    assert answers
    assert answers == [text for text in answers if _HANGUL.search(text) or re.fullmatch(r"[\d.,]+", text)]
    assert any(_HANGUL.search(text) for text in answers)
    assert page.complaints() == []
    assert page.requests_elsewhere(server) == []


@every_function
def test_an_example_fills_every_field(page: Page, server: Server, function: Function) -> None:
    page.open(server, function.name)
    for number, example in enumerate(function.examples):
        page.all(f"#{function.name}-examples .gallery-item")[number].click()
        texts = {name: value for name, value in example.items() if isinstance(value, str)}
        for name, value in texts.items():
            chosen = f"#{function.name}-{name} :is(textarea, input:not([type=radio]), input:checked)"
            page.wait(lambda css=chosen, value=value: value in [e.get_property("value") for e in page.all(css)])


@every_function
def test_what_is_wrong_stands_beside_its_field(page: Page, server: Server, function: Function) -> None:
    page.open(server, function.name)
    for name in required_texts(function):
        most = function.fields[name].longest
        page.put(function.name, name, "가" * (most + 1))
    page.run(function.name)
    for name in required_texts(function):
        most = function.fields[name].longest
        assert f"{most:,}자까지" in page.texts(f"#{function.name}-{name}-problem [role=alert]")[0]
    assert page.texts(f"#{function.name}-notice [role=alert]") == []
    for name in required_texts(function):
        page.put(function.name, name, function.examples[0][name])
    page.run(function.name)
    assert page.alerts(function.name) == []


@every_function
def test_an_empty_text_is_judged_as_rest_judges_it(page: Page, server: Server, function: Function) -> None:
    page.open(server, function.name)
    page.run(function.name)
    response = server.http.post(f"/api/{function.name}", json=dict.fromkeys(required_texts(function), ""))
    if response.status_code == 200:
        assert page.alerts(function.name) == []
        assert page.answers(function.name)
    else:
        assert page.alerts(function.name) == [problem["message"] for problem in response.json()["error"]["problems"]]


@pytest.mark.parametrize("text", ["\ud800", "가" * 3_500_000, "\x00\x07"], ids=["surrogate", "10-megabytes", "control"])
def test_a_hostile_text_gets_a_sentence(page: Page, server: Server, text: str) -> None:
    function = next(f for f in FORMS if required_texts(f))
    page.open(server, function.name)
    if text == "\ud800":  # the driver cannot carry it
        page.driver.execute_script(
            PUT.replace("text);", "String.fromCharCode(0xd800));"), page.box(function.name, "text"), ""
        )
    elif len(text) > 1000:
        page.driver.execute_script(PUT.replace("text);", "text.repeat(3.5e6));"), page.box(function.name, "text"), "가")
    else:
        page.put(function.name, "text", text)
    page.run(function.name)
    (sentence,) = page.alerts(function.name)
    assert _HANGUL.search(sentence)
    assert page.answer(function.name)


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_without_end_is_refused_before_it_fills_the_memory(server: Server, declared: bool) -> None:
    body = b'{"data": ["' + b"a" * MOST_BYTES + b'"]}'
    with httpx.Client(base_url=server.url, timeout=60) as client:
        try:
            response = client.post("/gradio_api/queue/join", content=body if declared else iter([body[:9], body[9:]]))
        except httpx.TransportError:  # the server hung up while we were writing
            return
    assert response.status_code == 413
    assert "바이트" in response.json()["detail"]


@every_function
def test_an_english_browser_reads_english_labels(english: Page, server: Server, function: Function) -> None:
    english.open(server, function.name)
    assert english.driver.execute_script("return document.documentElement.lang") == "en"
    assert english.one(f"button[role=tab][data-tab-id={function.name}]").text == function.english.title
    fold = f"#{function.name}-sampling button"
    if english.all(fold):
        english.click(fold)
    for name in function.input.model_fields:
        place = f"#{function.name}-{name}"
        label = (
            f"{place} [data-testid=block-info], {place} .label-text, {place} "
            f".header-row .label"
        )  # a table's is the last
        english.wait(lambda css=label: english.texts(css))
        assert english.texts(label) == [function.english.input[name].title]
    assert not _HANGUL.search("".join(english.texts(f"#{function.name}-run")) + english.answer(function.name))
    assert not re.search(r"kogpt\d", english.one("body").text), "a translation is missing: its key is shown"
    assert english.complaints() == []


def test_a_phone_scrolls_down_only(page: Page, server: Server) -> None:
    screen = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        page.open(server)
        for function in FORMS:
            page.choose(function.name)
            assert page.driver.execute_script("return document.documentElement.scrollWidth") <= 360
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_stop_ends_the_work(page: Page, workshop: Server) -> None:
    page.open(workshop, "count_slowly")
    page.put("count_slowly", "name", "멈출 것")
    page.put("count_slowly", "upto", "1000")
    page.put("count_slowly", "pause", "0.05")
    page.click("#count_slowly-run")
    page.wait(lambda: page.answers("count_slowly"))
    page.click("#count_slowly-stop")
    page.wait(lambda: page.texts("#count_slowly-run"))
    counts = workshop.home / "kogpt_funcs" / "counts.txt"
    page.wait(lambda: counts.exists() and "멈출 것" in counts.read_text(encoding="utf-8"))
    (line,) = [line for line in counts.read_text(encoding="utf-8").splitlines() if line.startswith("멈출 것")]
    assert int(line.split()[-1]) < 1000


@pytest.mark.parametrize("way", ["bug", "busy", "checkpoint", "invalid", "own"])
def test_each_kind_of_fault_is_told_in_a_sentence(page: Page, workshop: Server, way: str) -> None:
    page.open(workshop, "break_down")
    page.click("#break_down-way input")
    page.click(f"[role=option][aria-label={way}]")
    page.run("break_down")
    (sentence,) = page.alerts("break_down")
    assert "secret" not in page.driver.page_source
    assert "Traceback" not in page.driver.page_source
    assert page.texts(f"#break_down-{'way-problem' if way == 'invalid' else 'notice'} [role=alert]") == [sentence]


def test_lists_and_models_can_be_filled_in(page: Page, workshop: Server) -> None:
    page.open(workshop, "count_letters")
    page.put("count_letters", "text", "가나다 <b>가</b>")
    page.put("count_letters", "only", "가\n나")
    page.put("count_letters", "pause", '{"seconds": 0.01}')
    page.run("count_letters")
    assert page.answers("count_letters") == ["가나다 <b>가</b>", "3", "가", "나"]
    page.put("count_letters", "pause", "{")
    page.run("count_letters")
    assert "JSON" in page.texts("#count_letters-pause-problem [role=alert]")[0]
