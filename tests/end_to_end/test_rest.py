"""REST over a real server: answers, arrays, descriptions, the key. Parametrised over the registry."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rest_client import NAMES, events, example, fault, free_text, function, post
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from suite_server import KEY, Server, serving

from kogpt_funcs import __version__


@pytest.mark.parametrize("name", NAMES)
def test_an_input_is_answered_with_an_output(server: Server, name: str) -> None:
    response = post(server, name, example(name))
    assert response.status_code == 200, response.text
    function(name).output.model_validate_json(response.content, strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_an_array_is_answered_in_its_order_with_errors_in_place(server: Server, name: str) -> None:
    answers = post(server, name, [example(name), {"없는_항목": 1}, 3, example(name)]).json()
    assert len(answers) == 4
    assert answers[0] == answers[3] == post(server, name, example(name)).json()
    assert answers[1]["error"]["problems"][0]["field"] == "없는_항목"
    assert answers[2]["error"]["code"] == "invalid_input"


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_ends_with_what_the_plain_call_answers(server: Server, name: str) -> None:
    response = post(server, f"{name}/stream", example(name))
    assert response.headers["content-type"].startswith("text/event-stream")
    *partial, (last_name, last) = events(response)
    assert last_name == "result"
    assert {name for name, _ in partial} <= {"partial"}
    if function(name).stream:
        assert partial[-1][1] == last
    assert last == post(server, name, example(name)).json()


@pytest.mark.parametrize(
    "text", ["😀👍🏽🇰🇷", "Only Latin letters here.", "ㅋㅋㅋ ㅠㅠ ^^", "\x07제어\x00문자", "줄\r\n바꿈\t탭"]
)
@pytest.mark.parametrize("name", NAMES)
def test_odd_text_is_answered(server: Server, name: str, text: str) -> None:
    response = post(server, name, example(name) | {free_text(name): text})
    assert response.status_code == 200, response.text
    function(name).output.model_validate_json(response.content, strict=True)


def test_the_first_visitors_may_come_all_at_once(tmp_path: Path) -> None:
    with serving(tmp_path / "log", there="/") as server, ThreadPoolExecutor(16) as visitors:
        early = server.http.get("/api/health")
        assert (early.status_code, early.json()["status"]) in [(503, "loading"), (200, "ok")]
        responses = list(visitors.map(lambda name: post(server, name, example(name)), NAMES * 4))
        assert [response.status_code for response in responses] == [200] * len(responses), [
            r.text[:300] for r in responses
        ]
        assert {
            checkpoint["loads"] for checkpoint in server.http.get("/api/health").json()["models"]["checkpoints"]
        } == {1}


def test_an_empty_array_is_answered_with_an_empty_array(server: Server) -> None:
    assert post(server, NAMES[0], []).json() == []


def test_an_array_of_more_than_64_is_refused(workshop: Server) -> None:
    error = fault(post(workshop, "break_down", [{}] * 65), 413, "too_large")
    assert "64" in error["message"]
    assert "65" in error["message"]
    assert len(post(workshop, "break_down", [{}] * 64).json()) == 64


# Descriptions


def test_health_tells_version_and_models(server: Server) -> None:
    health = server.http.get("/api/health").json()
    assert (health["status"], health["version"], health["functions"]) == ("ok", __version__, NAMES)
    assert isinstance(health["models"]["checkpoints"], list)


def test_functions_are_listed_as_the_registry_has_them(server: Server) -> None:
    cards = server.http.get("/api/functions").json()["functions"]
    assert [card["name"] for card in cards] == NAMES
    for card in cards:
        found = function(card["name"])
        assert (card["title"], card["description"]) == (found.title, found.description)
        assert card["streams"] == (found.stream is not None)
        assert card["input_schema"] == found.input.model_json_schema()
        assert card["examples"] == list(found.examples)


@pytest.mark.parametrize("name", NAMES)
def test_openapi_describes_each_function(server: Server, name: str) -> None:
    schema = server.http.get("/api/openapi.json").json()
    assert schema["servers"] == [{"url": "/api"}]
    found, parts = function(name), schema["components"]["schemas"]
    for path in (f"/{name}", f"/{name}/stream"):
        body = schema["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert [e["value"] for e in body["examples"].values()] == list(found.examples)
        assert f"#/components/schemas/{found.input.__name__}" in json.dumps(body["schema"])
    properties = parts[found.input.__name__]["properties"]
    for key, info in found.input.model_fields.items():
        assert (properties[key]["title"], properties[key]["description"]) == (info.title, info.description)
    answer = schema["paths"][f"/{name}"]["post"]["responses"]
    assert f"#/components/schemas/{found.output.__name__}" in json.dumps(answer["200"])
    assert "FaultBody" in json.dumps(answer["422"])
    assert list(schema["paths"][f"/{name}/stream"]["post"]["responses"]["200"]["content"]) == ["text/event-stream"]


def test_a_function_dropped_in_is_served_and_described(workshop: Server) -> None:
    names = {card["name"] for card in workshop.http.get("/api/functions").json()["functions"]}
    assert {*NAMES, "count_slowly", "break_down"} <= names
    assert "/count_slowly/stream" in workshop.http.get("/api/openapi.json").json()["paths"]
    assert post(workshop, "count_slowly", {"name": "once", "upto": 2}).json() == {"count": 2}


def test_the_docs_page_loads_nothing_from_outside(server: Server) -> None:
    page = server.http.get("/api", follow_redirects=True)
    assert page.url.path == "/api/docs"
    assert not re.search(r"https?://|src=\"//", page.text)
    loaded = re.findall(r'(?:src|href)="([^"]+)"|url: \'([^\']+)\'', page.text)
    assert len(loaded) == 4
    for a, b in loaded:
        assert server.http.get(page.url.join(a or b)).status_code == 200


def test_the_docs_page_shows_each_function_in_a_browser(server: Server) -> None:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options) as browser:
        browser.get(f"{server.url}/api/docs")
        WebDriverWait(browser, 60).until(
            lambda _: len(browser.find_elements(By.CLASS_NAME, "opblock")) >= 2 * len(NAMES)
        )
        shown = browser.find_element(By.ID, "swagger-ui").text
        assert all(f"/{name}" in shown and function(name).title in shown for name in NAMES)
        loaded = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
        assert all(address.startswith((server.url, "data:")) for address in loaded), loaded
        assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


# The key


@pytest.mark.parametrize("value", [None, "", "Bearer", "Bearer wrong", f"Bearer {KEY}4", f"Basic {KEY}", KEY])
def test_without_the_key_the_answer_is_401(locked: Server, value: str | None) -> None:
    headers = {} if value is None else {"Authorization": value.encode()}
    for response in (
        post(locked, NAMES[0], example(NAMES[0]), headers=headers),
        post(locked, f"{NAMES[0]}/stream", {}, headers=headers),
        locked.http.get("/api/functions", headers=headers),
        locked.http.post("/mcp", json={}, headers=headers),
    ):
        fault(response, 401, "unauthorized")
        assert response.headers["www-authenticate"] == "Bearer"


def test_with_the_key_the_request_passes(locked: Server) -> None:
    headers = {"Authorization": f"bearer {KEY}".encode()}
    fault(post(locked, NAMES[0], {}, headers=headers), 422, "invalid_input")
    assert locked.http.get("/api/functions", headers=headers).status_code == 200


def test_health_and_docs_stay_open_and_tell_of_the_key(locked: Server) -> None:
    assert all(locked.http.get(f"/api/{path}").status_code == 200 for path in ("health", "docs"))
    schema = locked.http.get("/api/openapi.json").json()
    assert schema["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    assert schema["servers"] == [{"url": "/api"}]


# Browsers


def test_a_local_page_may_call_and_a_foreign_one_may_not(server: Server) -> None:
    def allowed(origin: str) -> str | None:
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        response = server.http.options(f"/api/{NAMES[0]}", headers=asked)
        return response.headers.get("access-control-allow-origin")

    assert allowed("http://localhost:3000") == "http://localhost:3000"
    assert allowed("https://example.org") is None
