"""REST over a real server: answers, arrays, streams, bad input, descriptions, the key. Parametrised over the registry."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import anyio
import httpx
import pytest
from conftest import KEY, Server, serving
from pydantic import BaseModel
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from kogpt_funcs import __version__, registry
from kogpt_funcs.errors import Busy
from kogpt_funcs.registry import Function
from kogpt_funcs.serving import event_stream

NAMES = registry.names()
KOREAN = re.compile("[가-힣]")


def function(name: str) -> Function:
    return registry.get(name)


def example(name: str) -> dict[str, Any]:
    """The first example, short and the same every time."""
    short = {"max_new_tokens": 8, "seed": 1}
    return dict(function(name).examples[0]) | {k: v for k, v in short.items() if k in function(name).input.model_fields}


def post(server: Server, path: str, body: Any = None, **options: Any) -> httpx.Response:
    sent = {"content": body} if isinstance(body, (bytes, str)) else {"json": body}
    return server.http.post(f"/api/{path}", **sent, **options)


def fault(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error in `response`, which must be whole: the status, the code, a sentence, no stack trace."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json"), response.text[:500]
    body = json.loads(response.content.decode("utf-8"))
    assert list(body) == ["error"]
    assert set(body["error"]) == {"code", "message", "problems"}
    assert body["error"]["code"] == code
    assert len(body["error"]["message"]) > 5
    assert "Traceback" not in response.text
    return body["error"]


def events(response: httpx.Response) -> list[tuple[str, Any]]:
    """The events of a server-sent stream, pings left out."""
    frames = [frame for frame in response.text.split("\n\n") if frame and not frame.startswith(":")]
    pairs = [re.fullmatch(r"event: (\w+)\ndata: (.*)", frame) for frame in frames]
    return [(pair[1], json.loads(pair[2])) for pair in pairs if pair]


# Answers


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


@pytest.mark.parametrize("text", ["😀👍🏽🇰🇷", "Only Latin letters here.", "ㅋㅋㅋ ㅠㅠ ^^", "\x07제어\x00문자", "줄\r\n바꿈\t탭"])
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
        assert [response.status_code for response in responses] == [200] * len(responses), [r.text[:300] for r in responses]
        assert {checkpoint["loads"] for checkpoint in server.http.get("/api/health").json()["models"]["checkpoints"]} == {1}


def test_an_empty_array_is_answered_with_an_empty_array(server: Server) -> None:
    assert post(server, NAMES[0], []).json() == []


def test_an_array_of_more_than_64_is_refused(workshop: Server) -> None:
    error = fault(post(workshop, "break_down", [{}] * 65), 413, "too_large")
    assert "64" in error["message"]
    assert "65" in error["message"]
    assert len(post(workshop, "break_down", [{}] * 64).json()) == 64


# Bad input: whatever it is, a sentence


def free_text(name: str) -> str:
    """A required field for text of any kind."""
    fields = function(name).input.model_fields
    return next(key for key, info in fields.items() if info.annotation is str and info.is_required())


BROKEN = {
    "nothing": b"",
    "blanks": b" \n ",
    "not JSON": b"text=hello",
    "half an object": b'{"text": "a"',
    "invalid UTF-8": b'{"text": "\xff\xfe"}',
    "UTF-16": '{"text": "글"}'.encode("utf-16"),
    "NaN": b'{"seed": NaN}',
    "infinity": b'{"seed": -Infinity}',
    "a name twice": b'{"text": "a", "text": "b"}',
    "arrays too deep": b"[" * 200_000,
    "objects too deep": b'{"a":' * 100_000,
    "a number of 5,000 digits": b'{"seed": ' + b"9" * 5000 + b"}",
    "a raw control character": b'{"text": "\x01"}',
}
NO_INPUT = {
    "null": b"null",
    "a number": b"3",
    "a string": '"글"'.encode(),
    "an unknown field": '{"txet": "글"}'.encode(),
    "a lone surrogate as a name": b'{"\\ud800": 1}',
    "a name with control characters": b'{"\\u0000\\u001b[31m": 1}',
    "an empty name": b'{"": 1}',
}


@pytest.mark.parametrize("path", ["", "/stream"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_what_is_not_json_is_400(server: Server, name: str, path: str, body: bytes) -> None:
    assert KOREAN.search(fault(post(server, name + path, body), 400, "invalid_json")["message"])


@pytest.mark.parametrize("path", ["", "/stream"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("body", NO_INPUT.values(), ids=NO_INPUT)
def test_json_that_is_no_input_is_422(server: Server, name: str, path: str, body: bytes) -> None:
    assert KOREAN.search(fault(post(server, name + path, body), 422, "invalid_input")["message"])


def bad_values(name: str) -> Iterator[tuple[str, bytes]]:
    """For each field of the Input: JSON values that do not fit it."""
    for key, info in function(name).input.model_fields.items():
        kinds = {info.annotation, *get_args(info.annotation)}
        bad = [b"{}", b"[]", b'{"a": [1]}']
        limits = {type(limit).__name__: limit for limit in info.metadata}
        if str in kinds:
            bad += [b"1", b"true", b'"\\ud800"', json.dumps("가" * (limits["MaxLen"].max_length + 1)).encode()]
        elif kinds & {int, float}:
            bad += [b'"1"', b"true", b"1e999", b"-1e999", b"9" * 400, b"-" + b"9" * 400, b"-1"]
        elif bool in kinds:
            bad += [b'"true"', b"1", b"0"]
        else:
            bad += [b'"no such choice"', b"1"]
        bad += [] if type(None) in kinds else [b"null"]
        yield from ((key, value) for value in bad)


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_value_is_422_and_names_its_field(server: Server, name: str) -> None:
    good = example(name)
    for key, value in bad_values(name):
        fields = {k: json.dumps(v).encode() for k, v in good.items()} | {key: value}
        body = b"{" + b",".join(json.dumps(k).encode() + b":" + v for k, v in fields.items()) + b"}"
        error = fault(post(server, name, body), 422, "invalid_input")
        assert [p["field"].split(".")[0] for p in error["problems"]] == [key], (key, value[:50])
        assert all(KOREAN.search(p["message"]) for p in error["problems"])


@pytest.mark.parametrize("path", ["", "/stream"])
@pytest.mark.parametrize("text", ["", " \n\t", "\x00\x1f", "\u200b\ufeff"])
@pytest.mark.parametrize("name", NAMES)
def test_text_without_a_letter_is_answered_or_told(server: Server, name: str, text: str, path: str) -> None:
    response = post(server, name + path, example(name) | {free_text(name): text})
    if response.status_code != 200:  # a function may do without: a comment on nothing in particular
        error = fault(response, 422, "invalid_input")
        assert error["problems"][0]["field"] == free_text(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_field_is_named(server: Server, name: str) -> None:
    error = fault(post(server, name, {}), 422, "invalid_input")
    required = {key for key, info in function(name).input.model_fields.items() if info.is_required()}
    assert {problem["field"] for problem in error["problems"]} == required


def test_a_hundred_thousand_wrong_fields_get_a_short_answer(server: Server) -> None:
    response = post(server, NAMES[0], {f"{i:05}": 1 for i in range(70_000)})
    fault(response, 422, "invalid_input")
    assert len(response.content) < 20_000


@pytest.mark.parametrize("declared", [True, False], ids=["with Content-Length", "in chunks"])
@pytest.mark.parametrize("name", NAMES)
def test_ten_megabytes_are_413(server: Server, name: str, declared: bool) -> None:
    body = json.dumps({free_text(name): "가" * 3_500_000}, ensure_ascii=False).encode()
    chunks = (body[i : i + 65_536] for i in range(0, len(body), 65_536))
    response = server.http.post(f"/api/{name}", content=body if declared else chunks)
    assert "1,000,000" in fault(response, 413, "too_large")["message"]


def test_a_body_of_one_megabyte_is_read(server: Server) -> None:
    body = b'{"\xea\xb8\x80": "' + b"a" * (1_000_000 - 11) + b'"}'
    assert len(body) == 1_000_000
    fault(post(server, NAMES[0], body), 422, "invalid_input")
    fault(post(server, NAMES[0], body + b" "), 413, "too_large")


def test_a_compressed_body_is_415(server: Server) -> None:
    fault(post(server, NAMES[0], b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), 415, "unsupported_encoding")


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8"])
def test_the_content_type_does_not_matter(workshop: Server, kind: str | None) -> None:
    response = post(workshop, "break_down", b'\xef\xbb\xbf{"way": "well"}', headers={"Content-Type": kind} if kind else {})
    assert response.json()["text"] == "멀쩡합니다."


def test_wrong_addresses_and_methods_are_told(server: Server) -> None:
    error = fault(post(server, "no_such_function", {}), 404, "unknown_function")
    assert all(name in error["message"] for name in NAMES)
    fault(post(server, f"{NAMES[0]}/no/such/path", {}), 404, "not_found")
    response = server.http.get(f"/api/{NAMES[0]}")
    assert "POST" in fault(response, 405, "method_not_allowed")["message"]
    assert response.headers["allow"] == "POST"
    fault(server.http.delete("/api/health"), 405, "method_not_allowed")
    fault(server.http.get("/api/%ff%00"), 404, "unknown_function")


# Functions that break down


#: The ways of break_down that end in a fault.
BREAKS = {
    "busy": (503, "busy"),
    "checkpoint": (503, "checkpoint"),
    "invalid": (422, "invalid_input"),
    "own": (400, "error"),
    "bug": (500, "internal"),
    "nan": (500, "internal"),
}


@pytest.mark.parametrize("path", ["break_down", "break_down/stream"])
@pytest.mark.parametrize("way", BREAKS)
def test_each_kind_of_fault_has_its_status(workshop: Server, path: str, way: str) -> None:
    response = post(workshop, path, {"way": way})
    fault(response, *BREAKS[way])
    assert response.headers.get("retry-after") == ("7" if way == "busy" else None)


@pytest.mark.parametrize("path", ["break_down", "break_down/stream"])
def test_a_bug_is_an_incident_and_its_cause_is_only_in_the_log(workshop: Server, path: str) -> None:
    response = post(workshop, path, {"way": "bug"})
    incident = re.search(r"\b[0-9a-f]{8}\b", fault(response, 500, "internal")["message"])
    assert "secret" not in response.text
    assert incident
    assert re.search(f"incident {incident[0]}(.|\n)*Traceback(.|\n)*ZeroDivisionError: secret", workshop.log)


def test_one_that_breaks_leaves_the_rest_of_the_array(workshop: Server) -> None:
    answers = post(workshop, "break_down", [{"way": way} for way in ("bug", "well", "busy", "well", "nan")]).json()
    assert [answer.get("error", {}).get("code", "-") for answer in answers] == ["internal", "-", "busy", "-", "internal"]


def test_an_output_is_always_valid_utf8_and_json(workshop: Server) -> None:
    assert json.loads(post(workshop, "break_down", {"way": "surrogate"}).content.decode("utf-8"))["text"] == "앞?뒤"
    fault(post(workshop, "break_down", {"way": "nan"}), 500, "internal")
    assert events(post(workshop, "break_down/stream", {"way": "surrogate"})) == [("result", {"text": "앞?뒤", "number": 0.0})]


# Streams and clients that leave


def ended(workshop: Server, name: str) -> list[int]:
    """How far the count called `name` had got when its generator was closed; empty while it goes on."""
    file = workshop.home / "kogpt_funcs" / "counts.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [int(line.split()[1]) for line in lines if line.split()[0] == name]


def counted(workshop: Server, name: str, times: int = 1) -> int:
    """Waits until `times` counts called `name` have ended; answers how far the first one got."""
    for _ in range(300):
        if len(reached := ended(workshop, name)) >= times:
            return reached[0]
        time.sleep(0.1)
    raise AssertionError(f"The count {name!r} has not ended; its client left long ago.")


def test_partial_events_come_while_the_work_goes_on(workshop: Server) -> None:
    body = {"name": "stream", "upto": 20, "pause": 0.05}
    with workshop.http.stream("POST", "/api/count_slowly/stream", json=body) as response:
        lines = response.iter_lines()
        assert [next(lines), next(lines)] == ["event: partial", 'data: {"count":1}']
        assert not ended(workshop, "stream")
        rest = list(lines)
    assert rest[-3:] == ["event: result", 'data: {"count":20}', ""]


def test_a_client_that_leaves_mid_stream_ends_the_work(workshop: Server) -> None:
    body = {"name": "left-stream", "upto": 1000, "pause": 0.05}
    with workshop.http.stream("POST", "/api/count_slowly/stream", json=body) as response:
        next(response.iter_lines())
    assert counted(workshop, "left-stream") < 1000


@pytest.mark.parametrize("array", [False, True])
def test_a_client_that_gives_up_waiting_ends_the_work(workshop: Server, array: bool) -> None:
    body = {"name": f"left-call-{array}", "upto": 1000, "pause": 0.05}
    with pytest.raises(httpx.ReadTimeout):
        workshop.http.post("/api/count_slowly", json=[body] * 2 if array else body, timeout=1)
    assert counted(workshop, f"left-call-{array}") < 1000


def test_a_client_that_leaves_mid_body_does_no_harm(workshop: Server) -> None:
    host, port = workshop.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /api/break_down HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    assert post(workshop, "break_down", {}).status_code == 200


def test_health_answers_while_functions_work(workshop: Server) -> None:
    body = {"name": "busy", "upto": 1000, "pause": 0.05}
    with workshop.http.stream("POST", "/api/count_slowly/stream", json=body) as response:
        lines = response.iter_lines()
        assert next(lines) == "event: partial"
        assert workshop.http.get("/api/health").json()["status"] == "ok"
        assert not ended(workshop, "busy")
        assert next(lines)
    counted(workshop, "busy")


def test_with_no_place_left_the_answer_is_busy_at_once(workshop: Server, tmp_path: Path) -> None:
    body = {"name": "crowd", "upto": 1000, "pause": 0.1}
    with serving(tmp_path / "log", workshop.home, {"KOGPT_QUEUE": "1"}) as server, ExitStack() as crowd:
        streams = []
        for _ in range(9):  # one place, and eight threads to tell others that it is taken
            streams.append(crowd.enter_context(server.http.stream("POST", "/api/count_slowly/stream", json=body)).iter_lines())
            assert next(streams[-1]) == "event: partial"
        for path in ("break_down", "break_down/stream"):
            response = post(server, path, {})
            fault(response, 503, "busy")
            assert response.headers["retry-after"].isdecimal()
        assert post(server, "break_down", [{}]).json()[0]["error"]["code"] == "busy"
        assert server.http.get("/api/health").status_code == 200
        crowd.close()
        counted(workshop, "crowd", 9)
        assert post(server, "break_down", {}).status_code == 200


def test_a_silent_stream_is_kept_open_by_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing(BaseModel):
        pass

    def think(input: Nothing) -> Nothing:
        time.sleep(0.5)
        raise Busy()

    monkeypatch.setattr(event_stream, "PING_SECONDS", 0.05)
    thinker = replace(function(NAMES[0]), input=Nothing, output=Nothing, call=think, stream=None)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(event_stream.EventStream(thinker, {}))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/")

    response = anyio.run(ask)
    assert response.text.startswith(": ping\n\n: ping\n\n")
    ((name, data),) = events(response)
    assert (name, data["error"]["code"]) == ("error", "busy")  # too late for a status: the stream is open


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
        WebDriverWait(browser, 60).until(lambda _: len(browser.find_elements(By.CLASS_NAME, "opblock")) >= 2 * len(NAMES))
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
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        response = server.http.options(f"/api/{NAMES[0]}", headers=asked)
        return response.headers.get("access-control-allow-origin")

    assert allowed("http://localhost:3000") == "http://localhost:3000"
    assert allowed("https://example.org") is None
