"""The `kogpt` command. Each part is imported when it is used, so that `kogpt --help` answers at once."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.shell_completion import CompletionItem

from kogpt_funcs import __version__
from kogpt_funcs.command import language
from kogpt_funcs.contract.errors import KogptError

if TYPE_CHECKING:  # pydantic is too heavy for `kogpt --help`
    from kogpt_funcs.contract.function import Function

_INTERRUPTED = 130  # the exit status after Ctrl-C, as shells have it

#: Commands that live elsewhere: name → (module, attribute, the line that `kogpt --help` shows).
_ELSEWHERE = {
    "call": ("kogpt_funcs.command.call", "call", "Run one function on one input; JSON on stdout."),
    "map": ("kogpt_funcs.command.map", "map_file", "Run a function over a column of a CSV, TSV, JSONL or XLSX file."),
    "generate": (
        "kogpt_funcs.command.generate",
        "generate",
        "Continue prompts typed one after another; keep the samples.",
    ),
    "chat": ("kogpt_funcs.command.chat", "chat", "Talk in the terminal."),
    "index": ("kogpt_funcs.command.index", "index", "Build the index of written replies that chat answers from."),
    "collect": ("kogpt_funcs.command.collect", "collect", "Collect text for training, from YouTube."),
    "clean": ("kogpt_funcs.command.prepare_text", "clean", "Clean collected text: names, personal data, abuse."),
    "pack": ("kogpt_funcs.command.prepare_text", "pack", "Pack novels into phrases that fill a model's context."),
    "doctor": ("kogpt_funcs.command.doctor", "doctor", "Look over this machine: what is there, what is missing."),
    "prepare": ("kogpt_funcs.command.prepare", "prepare", "Make the pretrained base ready ahead of the first start."),
    "runs": (
        "kogpt_funcs.command.runs",
        "runs",
        "List training runs with their losses; write CSV or a page of curves.",
    ),
    "keys": ("kogpt_funcs.command.keys", "keys", "Add, list and revoke the API keys of a server in public."),
    "kernels": ("kogpt_funcs.command.kernels", "kernels", "Show which compiled decoder runs here; compare them."),
    "bench": ("kogpt_funcs.command.bench", "bench", "Measure speed and memory beside other engines."),
    "space": ("kogpt_funcs.command.space", "space", "Write a Hugging Face Space of one function, or of the suite."),
    "train": ("kogpt_funcs.command.train", "train", "Train a base, an adapter or a classifier."),
    "evaluate": ("kogpt_funcs.command.evaluate", "evaluate", "Measure a checkpoint on held-out data."),
}


class LazyGroup(click.Group):
    """A group that imports the commands of _ELSEWHERE only when one of them is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*self.commands, *_ELSEWHERE])

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _ELSEWHERE:
            own = super().get_command(ctx, name)
            return own and language.translated(own, name)
        module, attribute, _ = _ELSEWHERE[name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return language.translated(command, name)

    def lines(self) -> dict[str, str]:
        """Each command's name and the line that says what it is for; imports none of them."""
        lines = {name: command.get_short_help_str(100) for name, command in self.commands.items()}
        lines |= {name: line for name, (_, _, line) in _ELSEWHERE.items()}
        return {name: language.line(name, lines[name]) for name in sorted(lines)}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(language.say("명령", "Commands")):
            formatter.write_dl(list(self.lines().items()))

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        language.translated_alone(self, "kogpt")
        super().format_help_text(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = [CompletionItem(name, help=line) for name, line in self.lines().items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kogpt")
def kogpt() -> None:
    """Korean text functions.

    Results are UTF-8 JSON on stdout, messages go to stderr. The exit status is 1 when the input is at fault, 2 when
    the command line is.
    """


@kogpt.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_functions(as_json: bool) -> None:
    """List the functions."""
    from kogpt_funcs.contract.registry import functions

    known = functions().values()
    if as_json:
        click.echo(json.dumps([_entry(function) for function in known], ensure_ascii=False))
        return
    width = max((len(f.name) for f in known), default=0)
    for function in known:
        click.echo(f"{function.name:{width}}  {function.title}")


def _entry(function: Function) -> dict[str, Any]:
    english = {"title": function.english.title, "description": function.english.description}
    return {"name": function.name, "title": function.title, "description": function.description, "english": english}


@kogpt.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--host", help="Address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on. [default: 7860]")
@click.option("--ray", is_flag=True, help="On Ray Serve, with replicas: REST, MCP and the stories, without the page.")
@click.option(
    "--scale",
    multiple=True,
    metavar="WHAT=N",
    help="With --ray: generators=2, generator_gpus=1, most_generators=8 …; hosting/scale.py lists all.",
)
def serve(names: tuple[str, ...], host: str | None, port: int | None, ray: bool, scale: tuple[str, ...]) -> None:
    """Serve the page of every function, or of those named; REST and MCP always have all."""
    if ray:
        from kogpt_funcs.hosting import ray_serve

        ray_serve.launch(dict(given.split("=", 1) for given in scale if "=" in given or _wrong(given)), host, port)
        return
    if scale:
        raise click.UsageError("--scale goes with --ray.")
    from kogpt_funcs.surfaces.suite import launch

    launch(list(names) or None, host, port)


def _wrong(given: str) -> NoReturn:
    raise click.UsageError(f"--scale has value {given!r}. It must be WHAT=N, as in generators=2.")


def main() -> NoReturn:
    """Run `kogpt` on this process's arguments; they, file names and streams are UTF-8 whatever the locale says."""
    if sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    for stream, errors in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        stream.reconfigure(encoding="utf-8", errors=errors)  # type: ignore[union-attr]
    language.begin()
    _exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    """The exit status; whatever goes wrong is told in a sentence, never by a stack trace."""
    try:
        result: Any = kogpt.main(arguments, prog_name="kogpt", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except KogptError as error:
        return _fail(language.told(error), 1)
    except Exception as error:
        return _fail(f"this is a fault of kogpt, not of your input: {type(error).__name__}: {error}", 70)


def _exit(status: int) -> NoReturn:
    """Ends the process. After Ctrl-C at once: an orderly exit would abort in a thread that is busy inside C."""
    if status == _INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)
    sys.exit(status)


def _fail(sentence: str, status: int) -> int:
    click.echo(f"kogpt: {sentence}", err=True)
    return status
