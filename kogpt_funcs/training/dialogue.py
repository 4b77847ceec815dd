"""Trains a base to answer in dialogues, an adapter or all weights, with labels by one of four strategies."""

from __future__ import annotations

import random
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models import Example
from kogpt_funcs.training import record
from kogpt_funcs.training.export import save_trained
from kogpt_funcs.training.finetuning import Options, with_adapter
from kogpt_funcs.training.interruption import resume
from kogpt_funcs.training.loop import main_process_first
from kogpt_funcs.training.mix import is_test
from kogpt_funcs.training.record import Mode, Record
from kogpt_funcs.training.replies import measure
from kogpt_funcs.training.sources import Source
from kogpt_funcs.training.starting import Start, start
from kogpt_funcs.training.trainer import trainer_for
from kogpt_funcs.training.turns import Dialogues, Strategy, answers, collate, dialogue, labelled

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
    """Trains in the folder `run`, writes the adapter or the full checkpoint to `out`; returns its figures beside the base's."""
    record.refuse(run, mode)
    begun = start(base)
    length = begun.model.config.n_positions
    data = read(sources, strategy, begun, options)
    figures: dict[str, Any] = {"strategy": strategy, "training_dialogues": len(data.train), "held_out_dialogues": len(data.held_out)}
    if data.held_out:
        before = measure(begun.model, data.held_out, strategy, begun.tokenizer, length)
        figures |= {f"{name}_of_base": before[name] for name in ("assistant_loss", "hits_at_1") if name in before}
    torch.manual_seed(options.seed)
    model: Any = begun.model if options.full else with_adapter(begun.model, options.rank)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=options.learning_rate, weight_decay=0.0)
    watched = random.Random(0).sample(data.held_out, min(_WATCHED, len(data.held_out)))
    shown = [answer for example in watched for answer in answers(example, strategy, begun.tokenizer, length)]
    dialogues: Any = data.train  # it has the lengths that the trainer's batches go by
    trainer = trainer_for(
        model, dialogues, shown, run=run, budget=options.budget, optimizer=optimizer, batch_size=options.batch_size,
        seed=options.seed, patience=options.patience, decode=begun.tokenizer.decode,
    )  # fmt: skip
    trainer.data_collator = collate
    with main_process_first() as first:
        checkpoint = record.begin(run, _record(sources, strategy, base, begun, options), mode) if first else record.joined(run, mode)
    resume(trainer, run, checkpoint)
    figures["steps"] = trainer.state.global_step
    if data.held_out:
        figures |= measure(model, data.held_out, strategy, begun.tokenizer, length)
    if trainer.is_world_process_zero():
        save_trained(
            model, out, full=options.full, tokenizer=begun.tokenizer, base=base, fingerprint=begun.fingerprint, figures=figures
        )
    return figures


def read(sources: list[Source], strategy: Strategy, begun: Start, options: Options) -> Data:
    """The dialogues in `sources`, a share `options.keep` of them; bad rows are told on stderr."""
    data, length, draw = Data(), begun.model.config.n_positions, random.Random(options.seed)
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
    if options.patience and not data.held_out:
        raise KogptError("--patience needs held-out rows to look at, and these data hold none out: give more rows, or leave it out.")
    return data


def _record(sources: list[Source], strategy: Strategy, base: str, begun: Start, options: Options) -> Record:
    files = record.data_files([source.path for source in sources], {source.path: source.rows for source in sources})
    columns = {wanted: name for source in sources for wanted, name in source.columns.items()}
    kept = {**asdict(options), "lr": options.learning_rate, "column": columns}
    return Record(NAME, "dialogue", base, begun.fingerprint, files, kept, strategy=strategy)
