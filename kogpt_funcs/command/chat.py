"""`kogpt chat`: talk in the terminal. The talk is kept here, as any client of the function keeps it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import click

from kogpt_funcs.command import server
from kogpt_funcs.contract import registry, settings
from kogpt_funcs.contract.errors import InvalidInput
from kogpt_funcs.contract.function import Function

_END, _FORGET = "끝", "초기화"


@server.asking
@click.command()
@click.option(
    "--persona", default="", help="How the companion is called and speaks, e.g. '이름은 토리, 반말로 말해 줘.'"
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Repeats what is drawn.")
@click.option("--base", help="Checkpoint in weights/, a folder, or a hub name. [default: KOGPT_BASE, else gemma]")
def chat(persona: str, seed: int | None, base: str | None, server_url: str | None, alone: bool) -> None:
    """Talk in the terminal: 초기화 forgets the talk, 끝 (or Ctrl-D) ends it."""
    if base:
        settings.replace(base=base)
    function = server.asked_at(registry.get("chat"), server_url, alone)
    click.echo(f"하고 싶은 말을 적어 주세요. {_FORGET}: 처음부터 다시, {_END}: 마치기", err=True)
    history: list[Any] = []
    for message in _messages():
        if message == _FORGET:
            history = []
            click.echo("처음부터 다시 이야기해요.", err=True)
            continue
        try:
            answer = _answer(function, {"message": message, "history": history, "persona": persona, "seed": seed})
        except InvalidInput as error:
            click.echo(f"kogpt: {error}", err=True)
            continue
        if answer.understood:
            click.echo(f"(알아들은 말: {answer.understood})", err=True)
        click.echo(answer.reply)
        history = [turn.model_dump() for turn in answer.history]


def _messages() -> Iterator[str]:
    """What is typed, up to 끝 or the end of the input; empty lines are passed over."""
    while line := _typed():
        message = line.strip()
        if message == _END:
            return
        if message:
            yield message


def _typed() -> str:
    if sys.stdin.isatty():
        click.echo("> ", nl=False, err=True)
    return sys.stdin.readline()


def _answer(function: Function, data: dict[str, Any]) -> Any:
    with contextlib.redirect_stdout(sys.stderr):
        return function.call(function.parse(data))
