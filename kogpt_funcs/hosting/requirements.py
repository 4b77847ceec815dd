"""What a Space installs: requirements.txt of the suite, made to fit how Spaces are built."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models.bases import checkpoints

PYTHON = "3.11"  # as tested
ZERO_GPU_PYTHON = "3.12.12"  # ZeroGPU knows this one and 3.10.13
ZERO_GPU_TORCH = "2.11.0"  # the last that ZeroGPU takes, the first that the suite does
_FILE = Path(__file__).parent.parent.parent / "requirements.txt"
_CPU = "--extra-index-url https://download.pytorch.org/whl/cpu"
#: A Gradio Space is built with `pip install -r requirements.txt gradio[oauth,mcp]==SDK_VERSION …`, and that extra wants
#: an older pydantic, and the official MCP SDK below 2: pip would find no answer. The SDK is carried instead.
_BY_THE_BUILDER = ("gradio", "pydantic", "mcp")
_MCP = ("mcp", "mcp-types")


def of_space(base: str, *, sdk: str, zero_gpu: bool) -> list[str]:
    """The lines of the Space's requirements.txt."""
    pins = [line for line in _lines() if base == checkpoints.GEMMA or not line.startswith("gemma3-")]
    if zero_gpu:
        pins = [f"torch=={ZERO_GPU_TORCH}" if _name(pin) == "torch" else pin for pin in pins]
    if not zero_gpu:
        pins.insert(0, _CPU)  # the torch of PyPI brings 3 GB of CUDA libraries
    if sdk == "gradio":
        pins = [pin for pin in pins if _name(pin) not in _BY_THE_BUILDER] + list(_needs_of_mcp())
        pins += ["spaces"] if zero_gpu else []
    return pins


def carried_mcp() -> Iterator[tuple[Path, Path]]:
    """(file, place in the Space) of the MCP SDK: pure Python, MIT, beside app.py, where it comes before any other."""
    for package in _MCP:
        for file in importlib.metadata.files(package) or []:
            source = Path(str(file.locate()))
            if file.suffix in (".py", ".typed", ".json"):
                if file.parts[0] in ("mcp", "mcp_types") and "__pycache__" not in file.parts:
                    yield source, Path(*file.parts)
            elif file.name.startswith("LICENSE"):
                yield source, Path(package.replace("-", "_"), file.name)


def _lines() -> list[str]:
    if not _FILE.is_file():
        raise KogptError(
            "requirements.txt is missing beside the program. `kogpt space` runs in a clone of the repository."
        )
    lines = (line.split("#")[0].strip() for line in _FILE.read_text("utf-8").splitlines())
    return [line for line in lines if line]


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def _needs_of_mcp() -> Iterator[str]:
    """What the MCP SDK itself requires, but for its own other half and what is pinned already."""
    pinned = {_name(line) for line in _lines()} - {"pydantic"}
    needs = {need for package in _MCP for need in importlib.metadata.requires(package) or [] if "extra ==" not in need}
    yield from sorted(need for need in needs if _name(need) not in pinned | set(_MCP))
