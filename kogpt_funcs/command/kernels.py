"""`kogpt kernels`: which compiled decoder runs here; --check compares every instruction set that this machine has."""

from __future__ import annotations

import platform

import click


@click.command(help="Show which compiled decoder runs on this processor.")
@click.option(
    "--check", is_flag=True, help="Run every instruction set of this machine, as shipped and built again, and compare."
)
def kernels(check: bool) -> None:
    from kogpt_funcs.models.networks.kernels import ISAS, available, library, shipped

    chosen = library()
    for isa in ISAS:
        state = (
            "chosen" if chosen and chosen.isa == isa else "runs here" if isa in available() else "not on this processor"
        )
        click.echo(f"{isa:12}{state}, {'shipped' if shipped(isa) else 'built here'}")
    if chosen is None:
        click.echo(
            f"None runs on {platform.machine()} here: torch writes. With a C compiler the portable one is built."
        )
    elif platform.machine() not in ("x86_64", "AMD64"):
        click.echo(f"On {platform.machine()} the portable one runs; the faster ones are for x86-64.")
    if check:
        from kogpt_funcs.models.networks.compiled_check import check as compare

        for sentence in compare():
            click.echo(sentence)
