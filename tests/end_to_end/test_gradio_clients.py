"""Gradio's own clients, Python's and JavaScript's, on the running suite: the functions, typed, as REST answers them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from rest_client import NAMES, example, function, post
from suite_server import KEY, Server

from kogpt_funcs.contract import settings

Node = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return connect(server)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """Runs tests/node/ask.js with @gradio/client as npm has it."""
    if not shutil.which("npm"):
        pytest.skip("This machine has no npm.")
    folder = tmp_path_factory.mktemp("node")
    for file in Path(__file__).parents[1].joinpath("node").iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    installed = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f"npm cannot install @gradio/client here: {installed.stderr[-300:]}")

    def ask(server: Server, name: str, given: dict[str, Any], *key: str) -> dict[str, Any]:
        command = ["node", "ask.js", server.url, name, json.dumps(given), *key]
        return json.loads(subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=120).stdout)

    return ask


def connect(server: Server, **options: Any) -> Client:
    return Client(server.url, verbose=False, analytics_enabled=False, download_files=False, **options)


def parameters(client: Client) -> dict[str, dict[str, Any]]:
    """The parameters of each endpoint by name."""
    described = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    return {path: {p["parameter_name"]: p for p in endpoint["parameters"]} for path, endpoint in described.items()}


@pytest.mark.parametrize("name", NAMES)
def test_python_gets_what_rest_answers(client: Client, server: Server, name: str) -> None:
    assert client.predict(**example(name), api_name=f"/{name}") == post(server, name, example(name)).json()


@pytest.mark.parametrize("name", NAMES)
def test_each_parameter_has_its_type_and_default(client: Client, name: str) -> None:
    assert set(parameters(client)) == {f"/{name}" for name in NAMES}
    described, schema = parameters(client)[f"/{name}"], function(name).input.model_json_schema()
    assert set(described) == set(function(name).fields)
    for key, shape in function(name).fields.items():
        assert described[key]["label"] == shape.title
        assert described[key]["parameter_has_default"] == (not shape.required)
        assert described[key]["parameter_default"] == shape.default
        assert schema["properties"][key].items() <= described[key]["type"].items()


def test_an_answer_grows_and_ends_with_the_whole(client: Client, server: Server) -> None:
    name = next(name for name in NAMES if function(name).stream)
    pieces = list(client.submit(**example(name), api_name=f"/{name}"))
    assert pieces[-1] == post(server, name, example(name)).json()


def test_what_does_not_fit_gets_the_sentence_of_rest(client: Client, server: Server) -> None:
    for name in NAMES:
        field = function(name).main_field
        given = {**example(name), field: "가" * (function(name).fields[field].longest or 1) + "가"}
        (problem,) = post(server, name, given).json()["error"]["problems"]
        with pytest.raises(AppError) as told:
            client.predict(**given, api_name=f"/{name}")
        assert (told.value.message, told.value.title) == (f"{field}: {problem['message']}", "invalid_input")


def test_more_than_rest_takes_is_refused(client: Client) -> None:
    name = NAMES[0]
    most = settings.current().public.max_body
    with pytest.raises(AppError, match=f"{most:,}바이트"):
        client.predict(**{**example(name), function(name).main_field: "a" * most}, api_name=f"/{name}")


@pytest.mark.parametrize("way", ["bug", "busy", "checkpoint", "own"])
def test_a_fault_is_told_as_rest_tells_it(workshop: Server, way: str) -> None:
    error = post(workshop, "break_down", {"way": way}).json()["error"]
    with pytest.raises(AppError) as told:
        connect(workshop).predict(way=way, api_name="/break_down")
    assert told.value.title == error["code"]
    assert way == "bug" or told.value.message == error["message"]
    assert "secret" not in told.value.message


def test_the_key_is_asked_for(locked: Server) -> None:
    name = NAMES[0]
    with pytest.raises(AppError, match="열쇠") as told:
        connect(locked).predict(**example(name), api_name=f"/{name}")
    assert told.value.title == "unauthorized"
    allowed = connect(locked, headers={"Authorization": f"Bearer {KEY}".encode()})
    assert (
        allowed.predict(**example(name), api_name=f"/{name}")
        == post(locked, name, example(name), headers={"Authorization": f"Bearer {KEY}".encode()}).json()
    )


@pytest.mark.parametrize("name", NAMES)
def test_javascript_gets_what_rest_answers(node: Node, server: Server, name: str) -> None:
    told = node(server, name, example(name))
    wanted = post(server, name, example(name)).json()
    assert (told.get("error"), told["answer"], told["pieces"][-1]) == (None, wanted, wanted)
    assert {path: set(names) for path, names in told["parameters"].items()} == {
        f"/{name}": set(function(name).fields) for name in NAMES
    }


def test_javascript_hears_the_sentence_and_needs_the_key(node: Node, server: Server, locked: Server) -> None:
    name = NAMES[0]
    field = function(name).main_field
    told = node(server, name, {field: "가" * ((function(name).fields[field].longest or 1) + 1)})
    assert told["error"]["message"].startswith(f"{field}: ")
    assert node(locked, name, example(name))["error"]["title"] == "unauthorized"


def test_the_schema_at_the_root_is_ours(server: Server) -> None:
    answer = server.http.get("/openapi.json", follow_redirects=True)
    assert answer.url.path == "/api/openapi.json"
    assert {f"/{name}" for name in NAMES} <= set(answer.json()["paths"])
