"""Trains a base to answer in dialogues: its adapter or all weights, the loss counting what one of four strategies
says.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models import Example
from kogpt_funcs.training import record
from kogpt_funcs.training.dialogue_rows import dialogue
from kogpt_funcs.training.export import save_trained
from kogpt_funcs.training.finetuning import Options, files_of, trained
from kogpt_funcs.training.mix import is_test
from kogpt_funcs.training.precision import frozen
from kogpt_funcs.training.record import Mode, Record
from kogpt_funcs.training.replies import measure
from kogpt_funcs.training.sources import Source
from kogpt_funcs.training.starting import Start, start
from kogpt_funcs.training.turns import Dialogues, DialogueTask, Strategy, answers, labelled

NAME = "dialogue"
_WATCHED = 200  # held-out dialogues to look at while training; the figures at the end are those of all


@dataclass
class Data:
    """The dialogues of a run: labelled to train on, and as they were said to measure on."""

    train: Dialogues = field(default_factory=Dialogues)
    held_out: list[Example] = field(default_factory=list)


def train_dialogue(
    sources: list[Source], strategy: Strategy, *, base: str, run: Path, out: Path, options: Options, mode: Mode = "new"
) -> dict[str, Any]:
    """Trains in the folder `run`, writes the adapter or the full checkpoint to `out`; returns its figures beside the
    base's.
    """
    record.refuse(run, mode)
    begun = start(base, torch.float32 if options.full else frozen())
    data = read(sources, strategy, begun, options)
    figures: dict[str, Any] = {
        "strategy": strategy,
        "training_dialogues": len(data.train),
        "held_out_dialogues": len(data.held_out),
    }
    if data.held_out:
        before = measure(begun.model, data.held_out, strategy, begun.tokenizer, begun.length)
        figures |= {f"{name}_of_base": before[name] for name in ("assistant_loss", "hits_at_1") if name in before}
    watched = random.Random(0).sample(data.held_out, min(_WATCHED, len(data.held_out)))
    shown = [answer for example in watched for answer in answers(example, strategy, begun.tokenizer, begun.length)]
    told = Record(
        NAME, "dialogue", base, begun.fingerprint, files_of(sources), options.record(sources), strategy=strategy
    )
    model, figures["steps"] = trained(begun, DialogueTask(data.train, shown), shown, run, options, told, mode)
    if data.held_out:
        figures |= measure(model, data.held_out, strategy, begun.tokenizer, begun.length)
    save_trained(model, out, begun, full=options.full, figures=figures)
    return figures


def read(sources: list[Source], strategy: Strategy, begun: Start, options: Options) -> Data:
    """The dialogues in `sources`, a share `options.keep` of them; bad rows are told on stderr."""
    data, length, draw = Data(), begun.length, random.Random(options.seed)
    for source in sources:
        for row in source.read():
            for example in source.render(dialogue, row):
                if draw.random() >= options.keep:
                    continue
                if is_test(row.cells):
                    data.held_out.append(example)
                else:
                    data.train.found.append(labelled(example, strategy, begun.tokenizer, length))
        print(f"{source.path.name}: {source.rows:,} rows, {source.bad:,} bad.", file=sys.stderr)
    if not len(data.train):
        fault = next((f" {source.path.name}, {source.first_fault}" for source in sources if source.first_fault), "")
        raise KogptError(f"No dialogue to train on in {', '.join(source.path.name for source in sources)}.{fault}")
    return data
