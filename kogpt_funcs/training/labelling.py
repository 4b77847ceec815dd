"""Trains a function's classifier: several label groups on one head, calibrated and measured on rows held out."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models import Labelled
from kogpt_funcs.models.classifier.ngrams import Ngrams
from kogpt_funcs.training import label_card, ngram_fitting, record
from kogpt_funcs.training.finetuning import files_of
from kogpt_funcs.training.interruption import resume
from kogpt_funcs.training.label_measures import calibrate, measure, predict
from kogpt_funcs.training.label_models import AdaptedClassifier, WholeClassifier
from kogpt_funcs.training.label_rows import Groups, Rows, columns_of, read, targets_of
from kogpt_funcs.training.label_task import LabelTask
from kogpt_funcs.training.loop import Choices, main_process_first
from kogpt_funcs.training.record import Mode, Record
from kogpt_funcs.training.sources import Source
from kogpt_funcs.training.trainer import trainer_for

_WATCHED = 400  # held-out rows to look at while training


@dataclass(frozen=True)
class Options(Choices):
    """What decides the result of a run, data and base apart."""

    full: bool = False  # all weights, not an adapter and a head
    rank: int = 16  # of the adapter
    start: str | None = None  # folder of a classifier's adapter and head to go on from

    @property
    def learning_rate(self) -> float:
        return self.lr or (3e-4 if self.full else 5e-4)


def train_classifier(
    function: str, sources: list[Source], *, base: str, run: Path, out: Path, options: Options, mode: Mode = "new"
) -> dict[str, Any]:
    """Trains in the folder `run`, writes the checkpoint, its card and its pictures to `out`; returns held-out
    figures.
    """
    record.refuse(run, mode)
    declared = registry.get(function)
    if declared.training_labels is None:
        raise KogptError(f"kogpt_funcs/{function}.py has no training_labels(row); it trains no classifier.")
    groups: Groups = {name: {**group} for name, group in declared.label_groups.items()}
    torch.manual_seed(options.seed)
    started = (
        WholeClassifier(base, groups) if options.full else AdaptedClassifier(base, groups, options.rank, options.start)
    )
    rows = read(declared.training_labels, sources)
    watched = random.Random(0).sample(rows.calibration, min(_WATCHED, len(rows.calibration)))
    task = LabelTask(groups, *(Rows(part, started.encoder, groups) for part in (rows.train, watched)))
    trainer = trainer_for(started.model, task, started.optimizer(options.learning_rate), run, options)
    told = Record(function, "classifier", base, started.fingerprint, files_of(sources), options.record(sources))
    with main_process_first() as first:
        checkpoint = record.begin(run, told, mode) if first else record.joined(run, mode)
    resume(trainer, run, checkpoint)
    figures: dict[str, Any] = {
        "training_rows": len(rows.train),
        "calibration_rows": len(rows.calibration),
        "held_out_rows": len(rows.test),
        "steps": trainer.state.global_step,
    }
    ngrams = _ngrams(rows.train, groups, task.weights) if started.ngrams else None
    if rows.calibration:
        calibrate(groups, predict(started.model, Rows(rows.calibration, started.encoder, groups), ngrams), ngrams)
    predicted = predict(started.model, Rows(rows.test, started.encoder, groups), ngrams) if rows.test else None
    figures |= measure(groups, predicted) if predicted else {}
    if trainer.is_world_process_zero():
        started.save(groups, out)
        if ngrams:
            ngrams.save(out)
        (out / "figures.json").write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        label_card.write(out, function, record.read(run), figures, groups, predicted, record.curve(run))
    return figures


def _ngrams(rows: list[Labelled], groups: Groups, weights: dict[str, torch.Tensor]) -> Ngrams:
    once = list({row.text: row for row in rows}.values())
    columns = columns_of(groups)
    importance = np.concatenate([weights[name].numpy() for name in columns])
    return ngram_fitting.fit([row.text for row in once], *targets_of(once, groups), groups, columns, importance)
