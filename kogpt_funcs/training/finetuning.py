"""Trains a function on a base, its adapter (LoRA by PEFT) or all weights: the loss counts the targets alone."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models import Example
from kogpt_funcs.training import corpus, record
from kogpt_funcs.training.export import save_trained
from kogpt_funcs.training.interruption import resume
from kogpt_funcs.training.loop import Choices, main_process_first
from kogpt_funcs.training.precision import frozen
from kogpt_funcs.training.record import Kind, Mode, Record
from kogpt_funcs.training.sequences import Sequence, Sequences, SequenceTask, bits_per_character, pieces
from kogpt_funcs.training.sources import Source
from kogpt_funcs.training.starting import Start, quickened, start, with_adapter
from kogpt_funcs.training.trainer import Task, trainer_for
from kogpt_funcs.training.watching import Samples

_WATCHED = 500  # held-out sequences to look at while training; the figures at the end are those of all


@dataclass(frozen=True)
class Options(Choices):
    """What decides the result of a fine-tuning, data and base apart."""

    full: bool = False  # all weights, not an adapter
    rank: int = 16  # of the adapter
    start: str | None = None  # folder of an adapter to go on from
    passes: int = 1  # how often the rows are rendered anew
    keep: float = 1.0  # share of the rows to use

    @property
    def learning_rate(self) -> float:
        return self.lr or (3e-4 if self.full else 6e-4)


@dataclass
class Data:
    """The examples of a run as sequences, and what became of the rows."""

    train: Sequences
    held_out: list[Sequence]
    sources: list[Source]
    too_long: int = 0
    examples: int = 0

    @property
    def files(self) -> list[dict[str, Any]]:
        return files_of(self.sources)

    @property
    def summary(self) -> str:
        said = [
            f"{source.path.name}: {source.rows:,} rows, {source.bad:,} bad"
            for source in {s.path: s for s in self.sources}.values()
        ]
        said.append(f"{len(self.train):,} sequences to train on, {len(self.held_out):,} held out")
        return (
            "; ".join(said + ([f"{self.too_long:,} longer than the base's context, left out"] if self.too_long else []))
            + "."
        )


def read_examples(
    function: str, files: list[Path], *, held_out: bool, passes: int = 1, keep: float = 1.0, seed: int = 0
) -> list[Example]:
    """The held-out examples of `function` in `files`, or the others: a share `keep` of the rows, rendered `passes`
    times.
    """
    sources = [Source(file) for file in files]
    found = [
        e
        for is_held_out, e in corpus.examples(function, sources, passes=passes, keep=keep, seed=seed)
        if is_held_out == held_out
    ]
    if not found:
        raise _nothing(sources, "held-out" if held_out else "training")
    return found


def read(function: str, sources: list[Source], begun: Start, options: Options) -> Data:
    """The data of a run, read once (once a pass): bad rows and a summary are told on stderr."""
    data = Data(Sequences(), [], sources)
    found = corpus.examples(function, sources, passes=options.passes, keep=options.keep, seed=options.seed)
    for held_out, example in tqdm(
        found, desc="Reading", unit=" examples", file=sys.stderr, disable=not sys.stderr.isatty(), leave=False
    ):
        sequences = list(pieces(example, begun.tokenizer, begun.length))
        data.examples += not held_out
        data.too_long += not sequences
        for sequence in sequences:
            data.held_out.append(sequence) if held_out else data.train.append(sequence)
    print(data.summary, file=sys.stderr)
    if not len(data.train):
        raise _nothing(sources, "training")
    return data


def finetune(
    function: str, sources: list[Source], *, base: str, run: Path, out: Path, options: Options, mode: Mode = "new"
) -> dict[str, Any]:
    """Trains in the folder `run`, writes the adapter or the full checkpoint to `out`; returns its figures."""
    record.refuse(run, mode)
    begun = start(base, torch.float32 if options.full else frozen())
    data = read(function, sources, begun, options)
    kind: Kind = "full" if options.full else "adapter"
    told = Record(function, kind, base, begun.fingerprint, data.files, options.record(data.sources))
    watched = random.Random(0).sample(data.held_out, min(_WATCHED, len(data.held_out)))
    task = SequenceTask(data.train, watched)
    model, steps = trained(begun, task, watched, run, options, told, mode)
    figures: dict[str, Any] = {"training_examples": data.examples, "steps": steps}
    if data.held_out:
        figures["held_out_examples"] = len(data.held_out)
        figures["held_out_bits_per_character"] = round(bits_per_character(model, data.held_out), 4)
    save_trained(model, out, begun, full=options.full, figures=figures)
    return figures


def trained(
    begun: Start, task: Task, shown: list[Sequence], run: Path, options: Options, told: Record, mode: Mode
) -> tuple[Any, int]:
    """The model of `begun`, trained on `task` in the folder `run`, and its steps; texts for the prompts of `shown`
    meanwhile.
    """
    torch.manual_seed(options.seed)
    model: Any = (
        quickened(begun.model)
        if options.full
        else with_adapter(begun, options.rank, Path(options.start) if options.start else None)
    )
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=options.learning_rate, betas=(0.9, 0.98), weight_decay=0.0)
    samples = [Samples(run, shown, begun)] if shown else []
    trainer = trainer_for(model, task, optimizer, run, options, *samples)
    with main_process_first() as first:
        checkpoint = record.begin(run, told, mode) if first else record.joined(run, mode)
    resume(trainer, run, checkpoint)
    return model, trainer.state.global_step


def files_of(sources: list[Source]) -> list[dict[str, Any]]:
    """`data` of a Record."""
    return record.data_files([source.path for source in sources], {source.path: source.rows for source in sources})


def _nothing(sources: list[Source], which: str) -> KogptError:
    fault = next((f" {source.path.name}, {source.first_fault}" for source in sources if source.first_fault), "")
    rows = sum(source.rows - source.bad for source in sources)
    names = ", ".join(source.path.name for source in sources)
    return KogptError(f"No {which} example in {names}: {rows:,} readable rows.{fault}")
