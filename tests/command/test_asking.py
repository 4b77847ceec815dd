"""`kogpt call`, `map` and `chat` beside a running suite: they ask it, and load nothing themselves."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from package_copy import ROOT, command, run
from suite_server import KEY, Server

from kogpt_funcs.command import server as asking
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.registry import functions

_LIGHT = "import sys; import kogpt_funcs.command.kogpt as c\ntry: c.main()\nfinally: assert 'torch' not in sys.modules"


def asked(server: Server, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """`kogpt ARGUMENTS` with that server named; it must not have imported torch."""
    return subprocess.run(
        [sys.executable, "-c", _LIGHT, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "KOGPT_SERVER": server.url, **environment},
        timeout=120,
    )


@pytest.mark.parametrize("function", functions().values(), ids=lambda function: function.name)
def test_a_call_asks_the_server(server: Server, function) -> None:
    done = asked(server, "call", function.name, json.dumps(function.examples[0]))
    assert done.returncode == 0, done.stderr.decode()
    answer = json.loads(done.stdout)
    function.output.model_validate(answer)
    assert any(answer.values())


def test_the_server_that_is_named_answers_as_rest_does(server: Server) -> None:
    data = {"text": "인생을 즐겁게 살기 위해서는", "seed": 1, "max_new_tokens": 16}
    lines = asked(server, "call", "continue_text", json.dumps(data), "--stream").stdout.splitlines()
    said = run("call", "continue_text", json.dumps(data), "--server", server.url.removeprefix("http://"))
    rest = server.http.post("/api/continue_text", json=data).json()
    assert json.loads(said.stdout) == json.loads(lines[-1]) == rest
    assert lines
    assert len(set(lines)) == len(lines)


def test_one_on_the_default_port_is_found_if_it_runs_the_same(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRADIO_SERVER_PORT", server.url.rpartition(":")[2])
    found = asking.find(None)
    assert found
    assert (found.url, found.same, set(functions()) <= set(found.functions)) == (server.url, True, True)
    with settings.using(engine="fp32"):
        assert asking.find(None) is None
        named = asking.find(server.url)
        assert named
        assert not named.same
    assert f"--server {server.url}" in capsys.readouterr().err


def test_no_server_means_none(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_PORT", server.url.rpartition(":")[2])
    function = functions()["continue_text"]
    assert asking.asked_at(function, None, alone=True) is function
    assert asking.asked_at(function, None, alone=False) is not function


def test_a_users_error_is_the_same_sentence(server: Server) -> None:
    alone, beside = (
        done.stderr.decode()
        for done in (
            run("call", "change_style", "--text", "", "--no-server"),
            asked(server, "call", "change_style", "--text", ""),
        )
    )
    assert alone == beside
    assert "비어 있습니다" in beside


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "nowhere.invalid", "http://[", "ftp://127.0.0.1"])
def test_a_server_that_is_not_there_is_a_sentence(address: str) -> None:
    done = run("call", "change_style", "--text", "가", "--server", address)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr.decode()
    assert done.stderr.decode().count("\n") == 1
    assert address in done.stderr.decode()


def test_both_options_together_are_a_usage_error() -> None:
    assert run("call", "change_style", "--server", "x", "--no-server").returncode == 2


def test_map_asks_the_server(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\n나는 어제 친구를 만났어.\n\n너무 무서워.\n", "utf-8")
    done = asked(server, "map", "classify_emotion", tmp_path / "a.csv", "--column", "text")
    assert done.returncode == 0, done.stderr.decode()
    with (tmp_path / "a.classify_emotion.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [bool(row["label"]) for row in rows] == [True, False, True]


def test_chat_asks_the_server(server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LIGHT, "chat"],
        cwd=ROOT,
        input="지금 몇 시야\n끝\n".encode(),
        capture_output=True,
        env={**os.environ, "KOGPT_SERVER": server.url},
        timeout=120,
    )
    assert done.stdout.decode().startswith("지금은 "), done.stderr.decode()


def test_a_server_behind_a_key_is_asked_with_it(locked: Server) -> None:
    text = json.dumps({"text": "너무 무서워."})
    assert asked(locked, "call", "classify_emotion", text, KOGPT_API_KEY=KEY).returncode == 0
    refused = asked(locked, "call", "classify_emotion", text, KOGPT_API_KEY="")
    assert refused.returncode == 1
    assert "API 열쇠" in refused.stderr.decode()


def test_one_that_wants_a_key_we_have_not_is_passed_over(locked: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_PORT", locked.url.rpartition(":")[2])
    assert asking.find(None) is None
    with settings.using(api_key=KEY):
        assert asking.find(None)


class Odd(BaseHTTPRequestHandler):
    """What may listen on our port: another program, and a suite that is full once."""

    full = 1

    def do_GET(self) -> None:
        about = {"service": "kogpt-funcs", "functions": list(functions()), "configuration": "another"}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(about).encode() if "/suite/" in self.path else b"<html>hello</html>")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        full, Odd.full = Odd.full, 0
        body = {"error": {"code": "busy", "message": "나중에"}} if full else {"text": "응.", "alternatives": []}
        self.send_response(503 if full else 200)
        self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture
def odd() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Odd) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


def test_another_program_on_the_port_is_let_alone(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_PORT", odd.rpartition(":")[2])
    assert asking.find(None) is None
    with pytest.raises(KogptError, match="no kogpt server"):
        asking.find(odd)


def test_a_full_server_is_asked_again(odd: str) -> None:
    function = asking.asked_at(functions()["change_style"], f"{odd}/suite/", alone=False)
    assert function.call(function.parse({"text": "네."})).text == "응."
    assert Odd.full == 0


def test_ctrl_c_leaves_the_server_alone(server: Server) -> None:
    data = json.dumps({"text": "그날 밤, 나는", "max_new_tokens": 256})
    line = command("call", "continue_text", data, "--stream", "--server", server.url)
    process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    process.send_signal(2)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said.strip()) == (130, b"")
    assert server.http.get("/api/health").status_code == 200


def test_a_server_that_goes_ends_the_run_and_not_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\n가\n나\n", "utf-8")
    with HTTPServer(("127.0.0.1", 0), Leaving) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        there = f"http://127.0.0.1:{listening.server_port}/suite"
        done = run("map", "change_style", path, "--column", "text", "--server", there)
        listening.shutdown()
    assert done.returncode == 1
    assert "does not answer" in done.stderr.decode()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.csv"]


class Leaving(Odd):
    """It hangs up on every request for an answer."""

    def do_POST(self) -> None:
        self.close_connection = True
