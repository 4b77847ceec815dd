"""`kogpt space`: writes a Hugging Face Space of one function, or of the suite."""

from __future__ import annotations

from pathlib import Path

import click

from kogpt_funcs.contract import settings


@click.command("space")
@click.argument("name", metavar="NAME|suite")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where to write it: a new folder."
)
@click.option("--sdk", type=click.Choice(["gradio", "docker"]), default="gradio", show_default=True)
@click.option("--zero-gpu", is_flag=True, help="For ZeroGPU hardware: a GPU is asked for with each request.")
@click.option("--base", help="gemma, a base in weights/, a hub name or URL#MODEL. [default: KOGPT_BASE]")
def space(name: str, out: Path, sdk: str, zero_gpu: bool, base: str | None) -> None:
    """Write a complete Hugging Face Space for one function, or for all: ready for `hf upload`."""
    from kogpt_funcs.hosting.space import Space, write

    size = write(Space(name, base or settings.current().base, sdk, zero_gpu), out)
    click.echo(f"{out}: {size / 1e6:.1f} MB. Upload it: hf upload USER/SPACE {out} . --repo-type space")
