"""What a run was started with (run.json) and how it went (curve.jsonl): a resume verifies the one, `kogpt runs` shows
both.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from kogpt_funcs import __version__
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.training import seals

Kind = Literal["base", "adapter", "full", "classifier", "dialogue"]
Mode = Literal["new", "resume", "fresh"]

RUN, CURVE = "run.json", "curve.jsonl"
_BUDGET = ("minutes", "epochs")  # a resume may train for longer than was meant at first
#: What training writes into a run's folder, and `--fresh` takes away.
_WRITTEN = ("checkpoint-*", RUN, CURVE, "samples.jsonl", "runs", "heldout", "train.npz", "tokenizer.json")


def _versions() -> dict[str, str]:
    return {"kogpt-funcs": __version__} | {name: version(name) for name in ("torch", "transformers", "peft")}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class Record:
    """What a run is: `name` the function trained (or "base"), `data` its files, `options` whatever else decides the
    result.
    """

    name: str
    kind: Kind
    base: str | None  # as the user named it; None from scratch
    base_fingerprint: str | None
    data: list[dict[str, Any]]  # {"file", "sha256", "rows"}, rows None where they were not counted
    options: dict[str, Any]
    strategy: str | None = None  # of a dialogue's labels
    versions: dict[str, str] = field(default_factory=_versions)
    started: str = field(default_factory=_now)
    remark: str = ""

    def save(self, run: Path) -> None:
        run.mkdir(parents=True, exist_ok=True)
        seals.replace_text(run / RUN, json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n")


def data_files(files: Iterable[Path], rows: dict[Path, int] | None = None) -> list[dict[str, Any]]:
    """`data` of a Record: each file's name, content hash and number of rows, if known."""
    return [{"file": file.name, "sha256": seals.sha256(file), "rows": (rows or {}).get(file)} for file in files]


def read(run: Path) -> Record:
    """The record in the folder `run`, or KogptError."""
    try:
        return Record(**json.loads((run / RUN).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise KogptError(f"{run} has no {RUN}, so it is not known what was trained there.") from None
    except (OSError, ValueError, TypeError) as error:
        raise KogptError(f"{run / RUN} cannot be read: {error}.") from None


def begin(run: Path, record: Record, mode: Mode = "new") -> Path | None:
    """Puts `record` into the folder `run`; returns the checkpoint to go on from, None to start at step 0.

    "new" refuses a folder that holds a run, "fresh" deletes that run, "resume" refuses one that was started with
    anything else than `record` (the budget apart), or whose last checkpoint is damaged.
    """
    refuse(run, mode)
    if mode == "fresh":
        clear(run)
    if mode != "resume":
        record.save(run)
        return None
    before = read(run)
    _verify(run, before, record)
    checkpoint = seals.last_whole(run)
    record.started, record.remark = before.started, before.remark
    record.save(run)
    _rewind(run, seals.step(checkpoint) if checkpoint else 0)
    return checkpoint


def joined(run: Path, mode: Mode) -> Path | None:
    """The checkpoint that `begin` returned to the first of several processes, for the others."""
    return seals.last_whole(run) if mode == "resume" else None


def refuse(run: Path, mode: Mode) -> None:
    """KogptError if the folder `run` and `mode` do not go together; quick, so that it can be asked before data is
    read.
    """
    if run.exists() and not run.is_dir():
        raise KogptError(f"{run} is a file. A run is kept in a folder: choose another --run.")
    held = (run / RUN).is_file() or bool(seals.checkpoints(run))
    if mode == "new" and held:
        raise KogptError(
            f"{run} holds a run already. Go on with it: --resume. Delete it and begin anew: --fresh. Or choose "
            f"another --run."
        )
    if mode == "resume":
        if not held:
            raise KogptError(f"{run} holds no run that could go on. Leave out --resume to begin one.")
        read(run)


def clear(run: Path) -> None:
    """Deletes what training wrote into `run`, and nothing else."""
    for path in (path for pattern in _WRITTEN for path in run.glob(pattern)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def log(run: Path, **figures: Any) -> None:
    """One line of curve.jsonl: step, epoch, tokens, train_loss, validation_loss (nats a token), and whatever else is
    known.
    """
    with (run / CURVE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(figures, ensure_ascii=False) + "\n")


def curve(run: Path) -> list[dict[str, Any]]:
    """The lines of curve.jsonl, a torn last one left out."""
    try:
        lines = (run / CURVE).read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines]
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise KogptError(f"{run / CURVE} is damaged: {error}.") from None


def _verify(run: Path, before: Record, now: Record) -> None:
    was, is_ = _identity(before), _identity(now)
    differing = [
        f"{key} was {was.get(key)!r} and is now {is_.get(key)!r}"
        for key in {**was, **is_}
        if was.get(key) != is_.get(key)
    ]
    if differing:
        raise KogptError(
            f"{run} was started otherwise: {'; '.join(differing)}. Repeat its options, choose another --run, "
            f"or begin anew with --fresh."
        )


def _identity(record: Record) -> dict[str, Any]:
    data = [f"{entry['file']} ({entry['sha256'][:12]})" for entry in record.data]
    options = {f"--{key.replace('_', '-')}": value for key, value in record.options.items() if key not in _BUDGET}
    return {
        "the model": record.name,
        "the kind": record.kind,
        "the base": record.base_fingerprint,
        "the data": data,
        "the strategy": record.strategy,
        **options,
    }


def _rewind(run: Path, step: int) -> None:
    """Drops what the curve says of steps that will be made again."""
    kept = [line for line in curve(run) if line.get("step", 0) <= step]
    seals.replace_text(run / CURVE, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept))
