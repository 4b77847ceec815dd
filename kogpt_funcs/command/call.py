"""`kogpt call NAME`: options made from the function's Input, one JSON object on stdout."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click
from pydantic import BaseModel

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.errors import InvalidInput, TooLarge
from kogpt_funcs.contract.registry import Function

_LARGEST_INPUT = 16_000_000  # bytes read from stdin
_METAVARS = {"integer": "INTEGER", "number": "NUMBER", "array": "JSON", "object": "JSON"}


class FunctionGroup(click.Group):
    """One subcommand a function."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return registry.names()

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return _command(registry.get(name))


@click.group(cls=FunctionGroup)
def call() -> None:
    """Run one function on one input: given as options, as a JSON object, or (`-`) as JSON on stdin.

    `kogpt call NAME --help` shows the function's options.
    """


def field_schemas(function: Function) -> dict[str, dict[str, Any]]:
    """The JSON schema of each Input field, references and `or null` resolved."""
    whole = function.input.model_json_schema()
    return {name: _resolved(schema, whole.get("$defs", {})) for name, schema in whole["properties"].items()}


def from_text(schema: dict[str, Any], text: str) -> Any:
    """`text` as a value of the field's type; left as it is where it does not fit, for Function.parse to say so."""
    try:
        return _READERS.get(schema.get("type", ""), str)(text)
    except (ValueError, KeyError, RecursionError):
        return text


def _boolean(text: str) -> bool:
    return {"true": True, "false": False, "1": True, "0": False}[text.strip().lower()]


_READERS: dict[str, Callable[[str], Any]] = {
    "integer": int, "number": float, "boolean": _boolean, "array": json.loads, "object": json.loads,
}  # fmt: skip


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    choices = [choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"]
    if len(choices) == 1:
        return _resolved({**choices[0], **{key: value for key, value in schema.items() if key != "anyOf"}}, definitions)
    if "$ref" in schema:
        return {**definitions[schema["$ref"].rpartition("/")[2]], **schema}
    return schema


def _command(function: Function) -> click.Command:
    schemas = sorted(field_schemas(function).items(), key=lambda item: "default" in item[1])  # required ones first
    options = [_option(name, schema) for name, schema in schemas if name not in ("help", "stream")]
    return click.Command(
        function.name,
        help=f"{function.title}\n\n{function.description}",
        short_help=function.title,
        callback=lambda **values: _call(function, **values),
        params=[
            click.Argument(["data"], required=False, metavar="[JSON|-]"),
            *options,
            click.Option(["--stream"], is_flag=True, help="Print each partial answer as a line of JSON."),
        ],
        context_settings={"token_normalize_func": lambda name: name.replace("_", "-")},
    )


def _option(name: str, schema: dict[str, Any]) -> click.Option:
    flag = name.replace("_", "-")
    if schema.get("type") == "boolean":
        return click.Option([name, f"--{flag}/--no-{flag}"], default=None, help=_help(schema))
    return click.Option([name, f"--{flag}"], metavar=_METAVARS.get(schema.get("type", ""), "TEXT"), help=_help(schema))


def _help(schema: dict[str, Any]) -> str:
    """Title, description, what is allowed and the default, in Korean."""
    limits = (("minimum", "{} 이상"), ("exclusiveMinimum", "{} 초과"), ("maximum", "{} 이하"), ("exclusiveMaximum", "{} 미만"))
    notes = [" ".join(form.format(schema[key]) for key, form in limits if key in schema)]
    notes.append(", ".join(map(str, schema.get("enum", []))))
    if "default" not in schema:
        notes.append("필수")
    elif schema["default"] is not None:
        notes.append(f"기본: {json.dumps(schema['default'], ensure_ascii=False)}")
    noted = "; ".join(note for note in notes if note)
    return f"{schema.get('title', '')}. {schema.get('description', '')}{f' [{noted}]' if noted else ''}"


def _call(function: Function, data: str | None, stream: bool, **options: Any) -> None:
    given = {name: value for name, value in options.items() if value is not None}
    if data is not None and given:
        raise click.UsageError("Give the input as JSON or as options, not both.")
    schemas = field_schemas(function)
    values = {name: from_text(schemas[name], value) if isinstance(value, str) else value for name, value in given.items()}
    request = function.parse(values if data is None else _read_json(data))
    stdout = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # what a library prints must not mix with the JSON
        for output in _answers(function, request, stream):
            print(json.dumps(output.model_dump(mode="json"), ensure_ascii=False), file=stdout, flush=True)


def _answers(function: Function, request: BaseModel, stream: bool) -> Iterator[BaseModel]:
    if stream and function.stream is not None:
        yield from function.stream(request)
    else:
        yield function.call(request)


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
