"""Korean or English: the command speaks as the locale says. Help in Korean stands in korean.toml, click's own words in
locale/.
"""

from __future__ import annotations

import functools
import gettext
import os
from pathlib import Path
from typing import Any

import click

from kogpt_funcs.contract.errors import KogptError

_HERE = Path(__file__).parent
_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set decides, as for gettext


def korean() -> bool:
    """Does the locale ask for Korean messages?"""
    return _locale().startswith("ko")


def told(error: KogptError) -> str:
    """What is wrong: in English where the locale asks for English by name, as every surface says it elsewhere."""
    return error.english if _locale().startswith("en") else str(error)


def say(korean_text: str, english_text: str) -> str:
    """The one of the two that the locale asks for."""
    return korean_text if korean() else english_text


def begin() -> None:
    """Lets click speak the language of the locale."""
    gettext.bindtextdomain("messages", str(_HERE / "locale"))


def help_text(path: str, english_text: str) -> str:
    """The help of the command `path` ("train base") as the locale wants it; `english_text` is what it declares."""
    return texts(path).get("help", english_text) if korean() else english_text


def line(path: str, english_text: str) -> str:
    """The one line that a list of commands shows for `path`."""
    return help_text(path, english_text).partition("\n\n")[0].rstrip(".") if korean() else english_text


def translated(command: click.Command, path: str) -> click.Command:
    """`command`, its help and that of its options and subcommands in Korean if the locale asks for it."""
    if not korean():
        return command
    translated_alone(command, path)
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            translated(inner, f"{path} {name}")
    return command


def translated_alone(command: click.Command, path: str) -> None:
    """The same for the command itself, not for its subcommands."""
    if not korean():
        return
    own = texts(path)
    command.help = own.get("help", command.help)
    for param in command.params:
        if isinstance(param, click.Option) and (said := own.get(param.opts[0])):
            param.help = said


def _locale() -> str:
    return next(filter(None, map(os.environ.get, _VARIABLES)), "")


def texts(path: str) -> dict[str, str]:
    """korean.toml's texts for a command; those of `train *` for `train NAME`, over those that all share."""
    table = _table()
    group = f"{path.partition(' ')[0]} *"
    own = table.get(path) or (table.get(group, {}) if " " in path else {})
    return own if group == "call *" else {**table["*"], **own}


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    import tomllib

    return tomllib.loads((_HERE / "korean.toml").read_text(encoding="utf-8"))
