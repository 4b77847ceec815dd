"""What `kogpt doctor` finds of the models: how the base was prepared, and what each function has learned on it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from kogpt_funcs.command.finding import INSTALL, Finding
from kogpt_funcs.command.language import say
from kogpt_funcs.contract import registry, settings
from kogpt_funcs.contract.errors import KogptError


def base() -> Iterator[Finding]:
    from kogpt_funcs.models.bases import checkpoints, gemma
    from kogpt_funcs.models.bases.gemma import parts

    name, about = settings.current().base, say("바탕 모델", "base")
    if _is_url(name):
        yield Finding(about, "good", say(f"{name}의 서버가 씁니다", f"the server at {name} writes"))
        return
    if name != checkpoints.GEMMA:
        yield _own(about, name)
        return
    try:
        parts.paths()
    except KogptError as error:
        yield Finding(about, "missing", str(error), INSTALL)
        return
    yield _gemma(about, gemma.found(), f"{parts.PACKAGES[0]}…4 {metadata.version(parts.PACKAGES[0])}")


def _gemma(about: str, folder: Path | None, packages: str) -> Finding:
    if folder is None:
        said = say(
            f"gemma. 패키지({packages})는 있지만 아직 마련하지 않았습니다. 첫 시작 때 저절로 되고 20초쯤 걸립니다",
            f"gemma: its packages ({packages}) are there, but it is not prepared; the first start does it in some 20 s",
        )
        return Finding(about, "missing", said, "kogpt prepare")
    config = _json(folder / "config.json")
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime((folder / "config.json").stat().st_mtime))
    size = sum(file.stat().st_size for file in folder.iterdir()) // 1_000_000
    entries, dtype = config.get("vocab_size"), config.get("dtype")
    said = say(
        f"gemma. {packages}에서 어휘 {entries}개를 {dtype}로 {made}에 마련했습니다. {folder} ({size} MB)",
        f"gemma, prepared {made} from {packages}: {entries} entries, {dtype}, {folder} ({size} MB)",
    )
    return Finding(about, "good", said)


def _own(about: str, name: str) -> Finding:
    """A base in weights/, a folder, or a hub name that was fetched before."""
    from huggingface_hub import try_to_load_from_cache

    for folder in (settings.current().weights / name, Path(name).expanduser()):
        if (folder / "config.json").is_file():
            kind = _json(folder / "config.json").get("model_type")
            return Finding(about, "good", f"{name} ({kind}): {folder}")
    if "/" in name and isinstance(place := try_to_load_from_cache(name, "config.json"), str):
        return Finding(about, "good", f"{name}: {Path(place).parent}")
    said = say(f"{name}. 이 기계에 없습니다", f"{name} is not on this machine")
    return Finding(about, "missing", said, f"kogpt prepare --base {name}" if "/" in name else "KOGPT_BASE=gemma")


def functions() -> Iterator[Finding]:
    """A function whose weights are there for another base lacks them on this one."""
    from kogpt_funcs.models.bases import checkpoints

    chosen = settings.current()
    if _is_url(chosen.base):
        return
    place, lacking = checkpoints.place(chosen.base), []
    known = registry.functions().values()
    for function in known:
        trained = any(chosen.weights.glob(f"*/{function.name}/*config.json")) and bool(
            function.training_examples or function.training_labels
        )
        own = [place / function.name, place / f"{function.name}-full", chosen.weights / function.name]
        if trained and not any(any(folder.glob("*config.json")) for folder in own):
            lacking.append(function)
    about = say("함수", "functions")
    if len(lacking) < len(known):
        there = ", ".join(function.name for function in known if function not in lacking)
        yield Finding(about, "good", there)
    for function in lacking:
        said = say(
            f"{chosen.base}에서 배운 {function.name}이 없습니다. 바탕 모델만으로 답하거나, 답하지 못합니다",
            f"{function.name} has learned nothing on {chosen.base}: the bare base answers, or nobody does",
        )
        yield Finding(about, "note", said, f"kogpt train {function.name} --base {chosen.base} --data FILE")


def _is_url(name: str) -> bool:
    return name.startswith(("http://", "https://"))


def _json(path: Path) -> dict[str, Any]:
    from kogpt_funcs.models.metadata import read_json

    return read_json(path)
