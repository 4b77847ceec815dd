"""A server in public: keys, limits, names, origins, headers, figures, and logs that say nothing of what was said."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from package_copy import ROOT
from suite_server import KEY, Server, serving

SAID = "빨간자전거를탄외할머니"  # no log may hold it
BODY = {"text": f"{SAID} 이야기를 들었어."}


@dataclass(frozen=True)
class Public:
    """A server with keys; `web` may ask little, `bot` may ask much, `gone` has been revoked."""

    server: Server
    file: Path
    web: str
    bot: str
    gone: str

    def ask(self, token: str, path: str = "/api/classify_emotion", body: Any = None, **headers: str) -> httpx.Response:
        sent = {
            "Authorization": f"Bearer {token}".encode(),
            **{name: value.encode() for name, value in headers.items()},
        }
        return self.server.http.post(path, json=BODY if body is None else body, headers=sent)


def kogpt_keys(file: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "kogpt_funcs", "keys", "--file", str(file), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Public]:
    home = tmp_path_factory.mktemp("public")
    file = home / "keys.json"
    web, bot, gone = (
        kogpt_keys(file, "add", "web", "--limit", "3/hour"),
        *(kogpt_keys(file, "add", name) for name in ("bot", "gone")),
    )
    environment = {
        "KOGPT_KEYS": str(file),
        "KOGPT_API_KEY": KEY,
        "KOGPT_KEY_LIMIT": "500/minute",
        "KOGPT_ADDRESS_LIMIT": "600/minute",
        "KOGPT_LOG": "json",
        "KOGPT_HOSTS": "kogpt.example *.kogpt.example",
        "KOGPT_ORIGINS": "https://friend.example",
        "KOGPT_MAX_BODY": "50000",
        "KOGPT_DATA": str(home),
    }
    with serving(home / "log", environment=environment, options=("--host", "0.0.0.0")) as server:
        yield Public(server, file, web, bot, gone)


def entries(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]


def test_a_key_gets_in_until_it_is_revoked(public: Public) -> None:
    assert public.ask(public.gone).status_code == 200
    kogpt_keys(public.file, "revoke", "gone")
    assert public.ask(public.gone).status_code == 401
    assert public.ask(public.bot).status_code == 200
    assert public.ask(KEY).status_code == 200


@pytest.mark.parametrize("token", ["kogpt-", "kogpt-00000000-x", "nonsense", "kogpt--"])
def test_what_is_no_key_does_not(public: Public, token: str) -> None:
    answer = public.ask(token)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_with_a_wrong_secret_does_not(public: Public) -> None:
    assert public.ask(public.bot[:-1] + ("a" if public.bot[-1] != "a" else "b")).status_code == 401
    head, _, secret = public.bot.rpartition("-")
    assert public.ask(f"{head.rpartition('-')[0]}-{public.web.split('-')[1]}-{secret}").status_code == 401


def test_the_file_of_keys_holds_no_key(public: Public) -> None:
    text = public.file.read_text("utf-8")
    assert public.file.stat().st_mode & 0o077 == 0
    assert not any(token.split("-", 2)[2] in text for token in (public.web, public.bot))
    assert "web" in kogpt_keys(public.file, "list")


def test_a_key_has_its_own_limit_and_is_told_when_to_come_back(public: Public) -> None:
    assert public.ask(public.web, body=[BODY, BODY]).status_code == 200  # counts as two
    assert public.ask(public.web).status_code == 200
    answer = public.ask(public.web)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limited")
    assert 0 < int(answer.headers["retry-after"]) <= 3600
    assert public.ask(public.bot).status_code == 200


def test_other_names_are_refused_and_ours_are_not(public: Public) -> None:
    answer = public.ask(public.bot, Host="evil.example")
    assert (answer.status_code, answer.json()["error"]["code"]) == (421, "wrong_host")
    for host in ("kogpt.example", "a.kogpt.example:8443", "localhost"):
        assert public.ask(public.bot, Host=host).status_code == 200
    mcp = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = "application/json, text/event-stream"
    assert public.ask(public.bot, "/mcp", mcp, Host="kogpt.example", Accept=accept).status_code == 200
    assert public.ask(public.bot, "/mcp", mcp, Host="evil.example", Accept=accept).status_code == 421


@pytest.mark.parametrize("path", ["/api/continue_text", "/mcp", "/gradio_api/queue/join", "/stories/api/stories"])
def test_only_named_origins_may_call_from_a_browser(public: Public, path: str) -> None:
    def allowed(origin: str) -> str | None:
        asked = {"Host": "kogpt.example", "Origin": origin, "Access-Control-Request-Method": "POST"}
        return public.server.http.options(path, headers=asked).headers.get("access-control-allow-origin")

    assert allowed("https://friend.example") == "https://friend.example"
    assert [allowed(o) for o in ("https://evil.example", "http://localhost:3000", "null")] == [None] * 3


def test_every_answer_has_the_security_headers(public: Public) -> None:
    for path in ("/", "/api/health", "/api/docs", "/stories/", "/no/such/page", "/metrics"):
        headers = public.server.http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "frame-ancestors 'self'" in headers["content-security-policy"], path
        assert "strict-transport-security" not in headers, path
    forwarded = {"X-Forwarded-Proto": "https"}
    assert "strict-transport-security" in public.server.http.get("/api/health", headers=forwarded).headers


def test_a_body_over_the_limit_is_refused(public: Public) -> None:
    answer = public.ask(public.bot, body={"text": "가" * 50_000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_ready_tells_when_every_function_can_answer(public: Public) -> None:
    answer = public.server.http.get("/api/ready")
    assert answer.json() == {"ready": True, "loading": False, "stopping": False, "failing": []}


def test_prometheus_gets_figures_with_the_key(public: Public) -> None:
    assert public.server.http.get("/metrics").status_code == 401
    public.ask(public.bot, "/api/continue_text", {"text": "옛날", "max_new_tokens": 8, "seed": 1})
    text = public.server.http.get("/metrics", headers={"Authorization": f"Bearer {public.bot}"}).text
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(figures["kogpt_tokens_written_total"]) >= 8
    assert float(figures["kogpt_batch_size_count"]) >= 8
    assert float(figures["kogpt_queue_limit"]) == 64
    assert float(figures["kogpt_cache_bytes"]) > 1e6
    assert float(figures['kogpt_http_requests_total{method="POST",route="/api/continue_text",status="200"}']) >= 1


def test_no_log_holds_a_key_or_what_was_said(public: Public) -> None:
    """However a request fails: refused, broken, half, in an address, in a header, on every surface."""
    ask = public.ask
    ask(public.bot)
    ask(public.bot, "/api/continue_text/stream", {"text": SAID, "max_new_tokens": 8})
    ask(public.bot, "/api/continue_text", {SAID: 1})
    ask(public.bot, f"/api/{SAID}")
    ask(public.bot, f"/api/continue_text?q={SAID}")
    ask(f"kogpt-{SAID}")
    ask(public.bot, "/mcp", {"jsonrpc": "2.0", "id": 1, "method": SAID, "params": [SAID]})
    call = {"name": "continue_text", "arguments": {"text": SAID, "nonsense": SAID}}
    accept = "application/json, text/event-stream"
    ask(public.bot, "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}, Accept=accept)
    ask(public.bot, "/stories/api/stories", {"title": SAID, "opening": SAID, "author": SAID})
    ask(public.bot, "/gradio_api/queue/join", {"data": [SAID], "fn_index": 0, "session_hash": SAID})
    ask(public.bot, "/gradio_api/call/v2/x", {"data": [SAID]})
    public.server.http.get(f"/{SAID}", params={"text": SAID})
    public.server.http.post("/api/continue_text", content=f'{{"text": "{SAID}'.encode(), headers={"X-Request-ID": "x"})
    log = public.server.log
    assert [entry for entry in entries(public.server) if entry.get("route") == "/api/continue_text"]
    assert all({"at", "level", "logger"} <= set(entry) for entry in entries(public.server))
    assert SAID not in log
    assert json.dumps(SAID)[1:-1] not in log
    secrets = [token.split("-", 2)[2] for token in (public.web, public.bot, public.gone)]
    assert not any(secret in log for secret in [*secrets, KEY])
    assert not any(token.split("-")[1] not in log for token in (public.bot,))  # its id is there


def test_an_address_has_a_limit_on_every_surface(public: Public) -> None:
    """Last, as it uses up what this address may ask: a proxy that is believed tells whose it is."""
    sent = {"Authorization": f"Bearer {public.bot}", "X-Forwarded-For": "203.0.113.9"}
    answers = [public.server.http.post("/gradio_api/queue/join", json={}, headers=sent) for _ in range(601)]
    assert [a.status_code for a in answers].count(429) >= 1
    assert "detail" in answers[-1].json()
    assert public.ask(public.bot, **{"X-Forwarded-For": "203.0.113.9"}).status_code == 429
    assert public.ask(public.bot, **{"X-Forwarded-For": "203.0.113.10"}).status_code == 200
