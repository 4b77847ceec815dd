"""Bad input over REST: whatever it is, a sentence, its field and the right status."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import get_args, get_origin

import pytest
from rest_client import BREAKS, KOREAN, NAMES, events, example, fault, free_text, function, post
from suite_server import Server

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
        bad = [b"{}", *([] if get_origin(info.annotation) is list else [b"[]"]), b'{"a": [1]}']
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


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8"]
)
def test_the_content_type_does_not_matter(workshop: Server, kind: str | None) -> None:
    response = post(
        workshop, "break_down", b'\xef\xbb\xbf{"way": "well"}', headers={"Content-Type": kind} if kind else {}
    )
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
    fault(server.http.get("/api/stories/%0Ax/drafts/y"), 404, "not_found")


# Functions that break down


#: The ways of break_down that end in a fault.


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
    assert [answer.get("error", {}).get("code", "-") for answer in answers] == [
        "internal",
        "-",
        "busy",
        "-",
        "internal",
    ]


def test_an_output_is_always_valid_utf8_and_json(workshop: Server) -> None:
    assert json.loads(post(workshop, "break_down", {"way": "surrogate"}).content.decode("utf-8"))["text"] == "앞?뒤"
    fault(post(workshop, "break_down", {"way": "nan"}), 500, "internal")
    assert events(post(workshop, "break_down/stream", {"way": "surrogate"})) == [
        ("result", {"text": "앞?뒤", "number": 0.0})
    ]


def test_a_whole_number_may_have_a_fraction_of_nothing(server: Server) -> None:
    """To JSON Schema 2.0 is an integer; some clients have no other numbers."""
    said = [
        post(server, "continue_text", {"text": "안녕", "seed": s, "max_new_tokens": m}) for s, m in ((1, 8), (1.0, 8.0))
    ]
    assert [answer.status_code for answer in said] == [200, 200]
    assert said[0].json() == said[1].json()
    fault(post(server, "continue_text", {"text": "안녕", "seed": 1.5}), 422, "invalid_input")
