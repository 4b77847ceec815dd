"""`kogpt doctor`: looks over this machine without loading anything, and names the command that mends."""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Iterator

import click

from kogpt_funcs.command.finding import Finding
from kogpt_funcs.command.language import say
from kogpt_funcs.contract import settings

_MACHINE = ("python", "packages", "torch", "processor")
_MODELS = ("base", "functions")
_ROOM = ("memory", "disk", "running")
_MARKS = {"good": "✓", "note": "!", "missing": "✗"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def doctor(as_json: bool) -> None:
    """Look over this machine: what is there, what is missing.

    Whatever is missing comes with the command that mends it, and the exit status is then 1.
    """
    findings = list(_findings())
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            click.echo(f"{_MARKS[finding.state]} {finding.about}: {finding.said}")
            if finding.mend:
                click.echo(f"    {say('고치기', 'To mend')}: {finding.mend}")
    missing = sum(finding.state == "missing" for finding in findings)
    if missing:
        if not as_json:
            click.echo(say(f"없는 것이 {missing}가지 있습니다.", f"{missing} missing."), err=True)
        raise click.exceptions.Exit(1)


def _findings() -> Iterator[Finding]:
    """In the order in which a start needs them. What cannot be looked at for want of a package is told with those."""
    settings.current()  # a wrong setting is told before all
    for module, looks in (("examining", _MACHINE), ("examining_models", _MODELS), ("examining", _ROOM)):
        for look in looks:
            with contextlib.suppress(ImportError):
                yield from getattr(importlib.import_module(f"kogpt_funcs.command.{module}"), look)()
