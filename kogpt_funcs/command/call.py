"""`kogpt call NAME`: options made from the function's Input, one JSON object on stdout."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import click
from click.shell_completion import CompletionItem
from pydantic import BaseModel

from kogpt_funcs.command import language, server
from kogpt_funcs.command.language import say
from kogpt_funcs.command.values import help_of, metavar
from kogpt_funcs.contract import registry
from kogpt_funcs.contract.english import Text
from kogpt_funcs.contract.errors import InvalidInput, TooLarge
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.reading import from_text
from kogpt_funcs.contract.shape import Shape
from kogpt_funcs.surfaces import running

_LARGEST_INPUT = 16_000_000  # bytes read from stdin


class FunctionGroup(click.Group):
    """One subcommand a function."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return registry.names()

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return language.translated(_command(registry.get(name)), f"call {name}")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in registry.names() if name.startswith(incomplete)]


@click.group(cls=FunctionGroup)
def call() -> None:
    """Run one function on one input: given as options, as a JSON object, or (`-`) as JSON on stdin.

    `kogpt call NAME --help` shows the function's options. A suite that runs on this machine is asked, if there is one:
    the models are in its memory already.
    """


def _command(function: Function) -> click.Command:
    shapes = sorted(function.fields.values(), key=lambda shape: not shape.required)
    english = function.english.input
    options = [_option(shape, english[shape.name]) for shape in shapes if shape.name not in ("help", "stream")]
    return click.Command(
        function.name,
        help=say(
            f"{function.title}\n\n{function.description}", f"{function.english.title}\n\n{function.english.description}"
        ),
        short_help=say(function.title, function.english.title),
        callback=lambda **values: _call(function, **values),
        params=[
            click.Argument(["data"], required=False, metavar="[JSON|-]"),
            *options,
            click.Option(["--stream"], is_flag=True, help="Print each partial answer as a line of JSON."),
            *server.options(),
        ],
        context_settings={"token_normalize_func": lambda name: name.replace("_", "-")},
    )


def _option(shape: Shape, english: Text) -> click.Option:
    flag = shape.name.replace("_", "-")
    if shape.kind is bool:
        return click.Option([shape.name, f"--{flag}/--no-{flag}"], default=None, help=help_of(shape, english))
    return click.Option([shape.name, f"--{flag}"], metavar=metavar(shape), help=help_of(shape, english))


def _call(
    function: Function, data: str | None, stream: bool, server_url: str | None, alone: bool, **options: Any
) -> None:
    given = {name: value for name, value in options.items() if value is not None}
    if data is not None and given:
        raise click.UsageError("Give the input as JSON or as options, not both.")
    values = {name: from_text(function.fields[name], v) if isinstance(v, str) else v for name, v in given.items()}
    function = server.asked_at(function, server_url, alone)
    stdout = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # what a library prints must not mix with the JSON
        for output in _answers(function, values if data is None else _read_json(data), stream):
            print(json.dumps(output.model_dump(mode="json"), ensure_ascii=False), file=stdout, flush=True)


def _answers(function: Function, data: Any, stream: bool) -> Iterator[BaseModel]:
    return running.streamed(function, data) if stream else iter([running.whole(function, data)])


def _read_json(data: str) -> Any:
    if data == "-":
        content = sys.stdin.buffer.read(_LARGEST_INPUT + 1)
        if len(content) > _LARGEST_INPUT:
            raise TooLarge(f"stdin has more than {_LARGEST_INPUT:,} bytes.")
        data = content.decode("utf-8-sig", "surrogateescape")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidInput.of("", f"JSON이 아닙니다: {error}.") from None
