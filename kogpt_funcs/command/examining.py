"""What `kogpt doctor` finds of the machine: Python, packages, processor, memory, disk, a running server."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from kogpt_funcs.command import server
from kogpt_funcs.command.finding import INSTALL, PYPROJECT, Finding
from kogpt_funcs.command.language import say
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError

_LEAST_MEMORY = 1_000_000_000  # bytes that a process with everything on gemma takes
_LEAST_DISK = 550_000_000  # bytes while Gemma is prepared


def python() -> Iterator[Finding]:
    version = platform.python_version()
    if sys.version_info < (3, 11):  # noqa: UP036  somebody runs it nevertheless
        said = say(f"{version}. 3.11 이상이 필요합니다.", f"{version}; 3.11 is needed.")
        yield Finding("Python", "missing", said, "python3.11 -m venv .venv")
    else:
        yield Finding("Python", "good", f"{version} ({sys.executable})")


def packages() -> Iterator[Finding]:
    wanting = [problem for line in _requirements() if (problem := _problem(line))]
    about = say("패키지", "packages")
    if wanting:
        yield Finding(about, "missing", ", ".join(wanting), INSTALL)
    else:
        yield Finding(about, "good", say("모두 있습니다", "all there"))


def _requirements() -> list[str]:
    """What this project depends on, by its pyproject.toml or, once installed, by its metadata."""
    if PYPROJECT.exists():
        project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
        if project["name"] == "kogpt-funcs":
            return list(project["dependencies"])
    try:
        return [line for line in metadata.requires("kogpt-funcs") or [] if "extra ==" not in line]
    except metadata.PackageNotFoundError:
        return []


def _problem(line: str) -> str:
    """What is wrong with the package that a requirement names; nothing if it is there as required."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        return "packaging"
    wanted = Requirement(line)
    if wanted.marker and not wanted.marker.evaluate():
        return ""
    try:
        there = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return f"{wanted.name}{wanted.specifier}"
    return "" if wanted.specifier.contains(there, prereleases=True) else f"{wanted.name}{wanted.specifier} ({there})"


def torch() -> Iterator[Finding]:
    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        return  # told with the packages
    cuda = [found for found in metadata.distributions() if (found.name or "").startswith("nvidia-")]
    if not cuda or shutil.which("nvidia-smi"):
        yield Finding("PyTorch", "good", version)
        return
    size = sum(file.size or 0 for found in cuda for file in found.files or []) / 1e9
    said = say(
        f"{version}. 이 기계에는 GPU가 없는데 CUDA 판이 깔려 있습니다. CUDA만 {size:.1f} GB입니다.",
        f"{version}: the CUDA build on a machine without a GPU; CUDA alone takes {size:.1f} GB.",
    )
    names = " ".join(sorted({str(found.name) for found in cuda}))
    mend = f"pip uninstall -y torch {names} && pip install --no-deps -r requirements-cpu.txt"
    yield Finding("PyTorch", "note", said, mend)


def processor() -> Iterator[Finding]:
    try:
        from kogpt_funcs.models.networks.kernels import library

        chosen = library()
    except ImportError:
        return  # told with the packages
    cores = settings.usable_cores()
    name = say(f"{_processor_name()}, 코어 {cores}개", f"{_processor_name()}, {cores} cores")
    about = say("프로세서", "processor")
    if chosen:
        yield Finding(about, "good", say(f"{name}. 디코더: {chosen.isa}", f"{name}; decoder: {chosen.isa}"))
    else:
        said = say(
            f"{name}. 컴파일된 디코더가 돌지 않아서 torch로 씁니다. 느립니다.",
            f"{name}; no compiled decoder runs here, so torch writes, which is slower.",
        )
        yield Finding(about, "note", said, "sudo apt-get install gcc && kogpt kernels")


def _processor_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def memory() -> Iterator[Finding]:
    info = Path("/proc/meminfo")
    if not info.exists():
        return
    lines = dict(line.split(":", 1) for line in info.read_text().splitlines())
    free, whole = (int(lines[name].split()[0]) * 1024 for name in ("MemAvailable", "MemTotal"))
    about, said = (
        say("메모리", "memory"),
        say(f"{_gb(whole)} 가운데 {_gb(free)} 비어 있음", f"{_gb(free)} of {_gb(whole)} free"),
    )
    if free >= _LEAST_MEMORY:
        yield Finding(about, "good", said)
    else:
        yield Finding(
            about,
            "missing",
            say(f"{said}. {_gb(_LEAST_MEMORY)}는 있어야 합니다.", f"{said}; {_gb(_LEAST_MEMORY)} are needed."),
            "KOGPT_BASE=small kogpt serve",
        )


def disk() -> Iterator[Finding]:
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    about, said = say("디스크", "disk"), say(f"{place}에 {_gb(free)} 비어 있음", f"{_gb(free)} free at {place}")
    if free >= _LEAST_DISK:
        yield Finding(about, "good", said)
    else:
        yield Finding(
            about,
            "missing",
            say(
                f"{said}. gemma를 마련하려면 {_gb(_LEAST_DISK)}가 있어야 합니다.",
                f"{said}; preparing gemma takes {_gb(_LEAST_DISK)}.",
            ),
            say("XDG_CACHE_HOME=다른/디스크 kogpt prepare", "XDG_CACHE_HOME=/another/disk kogpt prepare"),
        )


def running() -> Iterator[Finding]:
    url = settings.current().server or server.default_address()
    about = say("서버", "server")
    try:
        found = server.probed(url, 2)
    except KogptError:
        yield Finding(about, "good", say(f"{url}에서 도는 서버는 없습니다", f"none runs at {url}"))
        return
    if found.same:
        yield Finding(about, "good", say(f"{url}. kogpt call이 여기에 묻습니다", f"{url}; kogpt call asks it"))
    else:
        said = say(f"{url}. 판이나 설정이 이 명령과 다릅니다", f"{url} runs another version or other settings")
        yield Finding(about, "note", said, f"kogpt call NAME --server {url}")


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
