"""A Dockerfile without an engine: its steps are read from the file and run in fresh Debian roots, by debootstrap and
chroot. As root.

Known are the instructions that ours use: ARG, FROM … AS, RUN, COPY (--from, --chown), ENV, USER, WORKDIR, VOLUME,
EXPOSE, HEALTHCHECK, STOPSIGNAL and CMD; any other is an error. What this machine tells pip (its configuration and its
certificates) holds in the roots while building, as a builder's proxy would.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Step(NamedTuple):
    word: str
    rest: str


@dataclass
class Stage:
    """One image in the making: its root, and what the instructions have set so far."""

    root: Path
    name: str = ""
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/usr/sbin:/bin"})
    arguments: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    folder: str = "/"
    volumes: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    stop_signal: str = "SIGTERM"

    @property
    def ids(self) -> tuple[int, int]:
        if self.user == "root":
            return 0, 0
        lines = (self.root / "etc/passwd").read_text().splitlines()
        entry = next(line.split(":") for line in lines if line.split(":")[0] == self.user)
        return int(entry[2]), int(entry[3])


def steps(dockerfile: Path) -> list[Step]:
    """The instructions in order, continuation lines joined and comments left out."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [Step(*line.split(None, 1)) for line in joined.splitlines() if line.strip()]


class Builder:
    """Builds the file's stages under `place`; `arguments` are its build arguments."""

    def __init__(self, dockerfile: Path, place: Path, arguments: dict[str, str]) -> None:
        self.dockerfile, self.context, self.place = dockerfile, dockerfile.parent, place
        self._global, self._given = dict(arguments), arguments
        self.stages: list[Stage] = []

    def build(self) -> Stage:
        """The last stage, whole."""
        for step in steps(self.dockerfile):
            print(f"== {step.word} {step.rest[:100]}", flush=True)
            if not self.stages and step.word == "ARG":
                name, _, value = step.rest.partition("=")
                self._global.setdefault(name, value)
            else:
                getattr(self, f"_{step.word.lower()}")(step.rest)
        return self.stages[-1]

    @property
    def stage(self) -> Stage:
        return self.stages[-1]

    def _from(self, rest: str) -> None:
        image, *named = _filled(rest, self._global).split()
        suite = re.fullmatch(r"debian:(\w+)-slim", image)
        if not suite:
            raise ValueError(f"FROM {image}: only debian:SUITE-slim can be made here.")
        fresh = debian(suite[1], self.place)
        root = self.place / f"stage{len(self.stages)}"
        subprocess.run(["cp", "-a", "--reflink=auto", fresh, root], check=True)
        self.stages.append(Stage(root, named[-1] if named else ""))

    def _arg(self, rest: str) -> None:
        name, _, value = rest.partition("=")
        self.stage.arguments[name] = self._given.get(name, _filled(value, self._global))

    def _env(self, rest: str) -> None:
        known = {**self.stage.arguments, **self.stage.environment}
        for pair in shlex.split(rest):
            name, _, value = pair.partition("=")
            self.stage.environment[name] = _filled(value, known)

    def _user(self, rest: str) -> None:
        self.stage.user = rest.strip()

    def _workdir(self, rest: str) -> None:
        self.stage.folder = rest.strip()
        (self.stage.root / self.stage.folder.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _volume(self, rest: str) -> None:
        self.stage.volumes += json.loads(rest)

    def _expose(self, rest: str) -> None:
        int(rest)

    def _stopsignal(self, rest: str) -> None:
        self.stage.stop_signal = rest.strip()

    def _healthcheck(self, rest: str) -> None:
        self.stage.health = json.loads(rest[rest.index("[") :])

    def _cmd(self, rest: str) -> None:
        self.stage.command = json.loads(rest)

    def _run(self, rest: str) -> None:
        with network_of_the_builder(self.stage.root) as told:
            line = inside(self.stage, ["/bin/sh", "-c", rest], {**told, **self.stage.arguments})
            subprocess.run(line, check=True)

    def _copy(self, rest: str) -> None:
        options = dict(re.findall(r"--(\w+)=(\S+)", rest))
        *sources, target = [part for part in rest.split() if not part.startswith("--")]
        origin = next(s.root for s in self.stages if s.name == options["from"]) if "from" in options else None
        ids = self.stage.ids if options.get("chown") == self.stage.user else (0, 0)
        to = self.stage.root / (Path(self.stage.folder) / target).as_posix().lstrip("/")
        for source in sources:
            if origin:
                subprocess.run(["cp", "-a", origin / source.lstrip("/"), to], check=True)
                continue
            _copied(self.context, self.context / source, to, ids)


def _copied(context: Path, source: Path, to: Path, ids: tuple[int, int]) -> None:
    """`source` as COPY copies it: a folder's content; without what .dockerignore names."""
    ignored = [line.strip() for line in (context / ".dockerignore").read_text().splitlines() if line.strip()]
    files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
    for path in files:
        name = path.relative_to(context).as_posix()
        if _ignored(name, ignored):
            continue
        place = to / (path.name if source.is_file() else path.relative_to(source))
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
        for made in (place, *(p for p in place.parents if p.is_relative_to(to))):
            os.chown(made, *ids)


def _ignored(name: str, patterns: list[str]) -> bool:
    parts = [name, *(parent.as_posix() for parent in Path(name).parents)]
    return any(
        fnmatch.fnmatch(part, pattern.rstrip("/"))
        or fnmatch.fnmatch(part, pattern.removeprefix("**/"))
        or (pattern.startswith("**/") and fnmatch.fnmatch(part, pattern))
        for part in parts
        for pattern in patterns
    )


def _filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda m: values.get(m[1] or m[2], ""), text)


def debian(suite: str, place: Path) -> Path:
    """A fresh root of that Debian, made once."""
    root = place / f"debian-{suite}"
    if not (root / "whole").exists():
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["debootstrap", "--variant=minbase", suite, root], check=True, stdout=subprocess.DEVNULL)
        (root / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")  # as an engine gives every container
        (root / "whole").touch()
    return root


def inside(
    stage: Stage, command: list[str], more: dict[str, str], *, read_only: bool = False, offline: bool = False
) -> list[str]:
    """The line that runs `command` in the stage's root, as its user, with its environment, in mounts of its own.

    `read_only`, nothing but its volumes and a fresh /tmp can be written to; `offline`, it has the loopback alone.
    """
    root = shlex.quote(str(stage.root))
    mounts = [f"mount --rbind {root} {root}", f"mount -t proc proc {root}/proc", f"mount --rbind /dev {root}/dev"]
    if read_only:
        for volume in stage.volumes:
            kept = shlex.quote(f"{stage.root}.volume{volume.replace('/', '-')}")
            mounts += [f"cp -a {root}{volume} {kept} 2>/dev/null || true", f"mount --bind {kept} {root}{volume}"]
        mounts.append(f"mount -t tmpfs tmpfs {root}/tmp")
        mounts.append(f"mount -o remount,bind,ro {root}")
    if offline:
        mounts.append("ip link set lo up")
    uid, gid = stage.ids
    variables = [f"{name}={value}" for name, value in {**stage.environment, **more}.items()]
    start = f"cd {shlex.quote(stage.folder)} && exec {shlex.join(command)}"
    run = ["chroot", f"--userspec={uid}:{gid}", str(stage.root), "env", "-i", *variables, "/bin/sh", "-c", start]
    apart = ["--net"] if offline else []
    return ["unshare", "--mount", *apart, "bash", "-ec", f"{' && '.join(mounts)} && exec {shlex.join(run)}"]


@contextmanager
def network_of_the_builder(root: Path) -> Iterator[dict[str, str]]:
    """What a step needs to reach the registries as this machine does, and the variables that say so to pip."""
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    asked = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True, cwd="/").stdout.splitlines()
    pairs = [_setting(line) for line in listed]
    told = {f"PIP_{name.upper().replace('-', '_')}": value.strip("'") for name, _, value in pairs}
    mounted = []
    if "PIP_CERT" in told:
        shutil.copy(told["PIP_CERT"], root / "run/builder.crt")
        told["PIP_CERT"] = "/run/builder.crt"
    for found in re.findall(r"(?<![\w:/])(?:file://)?(/[\w./-]+)", " ".join(told.values())):
        place = Path(found) if Path(found).is_dir() and Path(found).name != "simple" else Path(found).parent
        at = root / str(place).lstrip("/")
        if place.is_dir() and not at.exists():
            at.mkdir(parents=True)
            subprocess.run(["mount", "--bind", "-o", "ro", place, at], check=True)
            mounted.append(at)
    try:
        yield told
    finally:
        (root / "run/builder.crt").unlink(missing_ok=True)
        for at in reversed(mounted):
            subprocess.run(["umount", at], check=True)
            at.rmdir()


def _setting(line: str) -> tuple[str, str, str]:
    """`:env:.find-links='/a'` → find-links, =, '/a'."""
    left, equals, value = line.partition("=")
    return left.rsplit(".", 1)[-1], equals, value
