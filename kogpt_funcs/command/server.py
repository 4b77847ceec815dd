"""A running suite, asked in place of loading models here: found by its address, known by what its health tells."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import click

from kogpt_funcs.command.exchange import HEALTH, MOST_WAITING, error_of, outputs, request, whole
from kogpt_funcs.command.language import say
from kogpt_funcs.contract import identity, settings
from kogpt_funcs.contract.errors import Busy, KogptError
from kogpt_funcs.contract.function import Function

_PROBE_SECONDS = 2  # what listens on our port and is no suite may take its time


@dataclass(frozen=True)
class Server:
    """A suite at `url`; `same`: it runs the same program, weights and settings as this process."""

    url: str
    functions: tuple[str, ...]
    same: bool

    def post(self, path: str, data: Any) -> http.client.HTTPResponse:
        """The answer to JSON, unread; waits while the server is full. KogptError as the server words it."""
        body = json.dumps(data).encode()
        until = time.monotonic() + MOST_WAITING
        while True:
            response = request(self.url, "POST", path, body)
            if response.status < 400:
                return response
            error = error_of(response)
            if not isinstance(error, Busy) or time.monotonic() > until:
                raise error
            time.sleep(error.retry_after)


def options() -> list[click.Option]:
    """--server URL and --no-server, for a command that asks a function; read by `asked_at`."""
    return [
        click.Option(
            ["server_url", "--server"],
            metavar="URL",
            help="Ask the suite that runs there. [default: KOGPT_SERVER, else one on this machine that runs the same]",
        ),
        click.Option(["alone", "--no-server"], is_flag=True, help="Load the models here, whatever server there is."),
    ]


def asking(command: click.Command) -> click.Command:
    """`command` with `options`; its callback gets server_url and alone."""
    command.params.extend(options())
    return command


def asked_at(function: Function, url: str | None, alone: bool) -> Function:
    """`function`, asked where `chosen` says."""
    return asked(function, chosen(url, alone))


def chosen(url: str | None, alone: bool) -> Server | None:
    """The server at `url` (KOGPT_SERVER); without one that at the default address, if it answers as this process would.

    None for this process itself. KogptError where `url` leads nowhere.
    """
    if url and alone:
        raise click.UsageError(
            say("--server와 --no-server는 함께 쓸 수 없습니다.", "Give one of --server and --no-server.")
        )
    return None if alone else find(url or settings.current().server)


def asked(function: Function, server: Server | None) -> Function:
    """`function` as it is, or one that asks `server` where that has it."""
    return function if server is None or function.name not in server.functions else _remote(function, server)


def find(url: str | None) -> Server | None:
    """The suite at `url`, or KogptError; without one that at the default address, if it answers as we would."""
    if url:
        return probed(f"{'' if '://' in url else 'http://'}{url.rstrip('/')}", timeout=30)
    try:
        server = probed(default_address(), _PROBE_SECONDS)
    except KogptError:
        return None
    if server.same:
        return server if _lets_in(server.url) else None
    click.echo(
        say(
            f"kogpt: {server.url}의 서버는 판이나 설정이 달라서 묻지 않습니다. 그래도 물으려면 --server {server.url}",
            f"kogpt: the server at {server.url} runs another version or other settings, so it is not asked. "
            f"To ask it anyway: --server {server.url}",
        ),
        err=True,
    )
    return None


def _lets_in(url: str) -> bool:
    """Does it answer without a key, or to ours? Nobody has named this server, so a refusal is no fault."""
    with closing(request(url, "GET", "/api/functions", None)) as response:
        return response.status < 400


def default_address() -> str:
    """Where a suite on this machine listens unless it is told otherwise."""
    return f"http://127.0.0.1:{os.environ.get('GRADIO_SERVER_PORT') or '7860'}"


def probed(url: str, timeout: float) -> Server:
    """The suite at `url`, or KogptError where none answers within `timeout` seconds."""
    try:
        response = request(url, "GET", HEALTH, None, timeout)
        health = json.loads(response.read(1_000_000))
        if health["service"] != identity.SERVICE:
            raise ValueError
        return Server(url, tuple(health["functions"]), health["configuration"] == identity.configuration())
    except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
        raise KogptError(
            say(
                f"{url}에는 kogpt 서버가 없습니다. 서버를 켜려면: kogpt serve",
                f"{url} is no kogpt server. Start one: kogpt serve",
            )
        ) from None


def _remote(function: Function, server: Server) -> Function:
    def call(given: Any) -> Any:
        with closing(server.post(f"/api/{function.name}", _plain(given))) as response:
            return function.output.model_validate(whole(server.url, response))

    def stream(given: Any) -> Iterator[Any]:
        with closing(server.post(f"/api/{function.name}/stream", _plain(given))) as response:
            for data in outputs(server.url, response):
                yield function.output.model_validate(data)

    return replace(function, call=call, stream=stream if function.stream else None)


def _plain(given: Any) -> Any:
    return given.model_dump(mode="json", exclude_unset=True)
