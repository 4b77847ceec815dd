"""Trains a function's classifier from a base: several label groups on one head, n-grams beside it, calibrated and measured."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    EarlyStoppingCallback,
    PrinterCallback,
    Trainer,
    TrainerCallback,
)

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.errors import CheckpointError, KogptError
from kogpt_funcs.models import Labelled
from kogpt_funcs.models.bases import checkpoints, loading
from kogpt_funcs.models.classifier.encoding import Encoder, encoder
from kogpt_funcs.models.classifier.ngrams import Ngrams
from kogpt_funcs.training import label_card, ngram_fitting, record
from kogpt_funcs.training.interruption import resume
from kogpt_funcs.training.label_measures import calibrate, calibration_error, measure, predict
from kogpt_funcs.training.label_rows import (
    Groups,
    Rows,
    Split,
    columns_of,
    halves,
    is_held_out_label_row,
    read,
    targets_of,
)
from kogpt_funcs.training.loop import Choices, Milestones, arguments
from kogpt_funcs.training.optimizer import warmup_stable_decay
from kogpt_funcs.training.record import Mode, Record
from kogpt_funcs.training.sources import Source
from kogpt_funcs.training.trainer import EpochSampler
from kogpt_funcs.training.watching import Progress

__all__ = ["Options", "calibration_error", "halves", "is_held_out_label_row", "train_classifier"]

_WATCHED = 400  # held-out rows to look at while training
_SIGMOID_SHARE = 8.0  # a group of many independent labels weighs more in the loss than its mean would


@dataclass(frozen=True)
class Options(Choices):
    """What decides the result of a run, data and base apart."""

    @property
    def learning_rate(self) -> float:
        return self.lr or 3e-4


def train_classifier(
    function: str, sources: list[Source], *, base: str, run: Path, out: Path, options: Options, mode: Mode = "new"
) -> dict[str, Any]:
    """Trains all weights in the folder `run`, writes the checkpoint, its card and its pictures to `out`; returns held-out figures."""
    record.refuse(run, mode)
    declared = registry.get(function)
    if declared.training_labels is None:
        raise KogptError(f"kogpt_funcs/{function}.py has no training_labels(row); it trains no classifier.")
    groups: Groups = {name: {**group} for name, group in declared.label_groups.items()}
    torch.manual_seed(options.seed)
    model, reader = start(base, groups)
    rows = read(declared.training_labels, sources)
    trainer = _trainer(model, rows, reader, groups, run, options)
    checkpoint = record.begin(run, _record(function, base, model, sources, options), mode)
    resume(trainer, run, checkpoint)
    figures: dict[str, Any] = {
        "training_rows": len(rows.train), "calibration_rows": len(rows.calibration), "held_out_rows": len(rows.test),
        "steps": trainer.state.global_step,
    }  # fmt: skip
    ngrams = _ngrams(rows.train, groups, trainer.weights)
    if rows.calibration:
        calibrate(groups, predict(model, Rows(rows.calibration, reader, groups), ngrams), ngrams)
    predicted = predict(model, Rows(rows.test, reader, groups), ngrams) if rows.test else None
    figures |= measure(groups, predicted) if predicted else {}
    save(model, reader, groups, out)
    ngrams.save(out)
    (out / "figures.json").write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    label_card.write(out, function, record.read(run), figures, groups, predicted, record.curve(run))
    return figures


def start(base: str, groups: Groups) -> tuple[Any, Encoder]:
    """The checkpoint `base` with a new head of the groups' labels, in fp32, and its encoder."""
    folder = checkpoints.folder(base)
    labels = [label for group in groups.values() for label in group["labels"]]
    try:
        config = AutoConfig.from_pretrained(str(folder), local_files_only=True)
        named = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
        dropout = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.1) if config.model_type == "gpt2" else {}
        config.update({**named, **dropout})
        reader = encoder(folder, config)
        config.pad_token_id = reader.pad_id
        model, report = AutoModelForSequenceClassification.from_pretrained(
            str(folder), config=config, dtype=torch.float32, local_files_only=True, output_loading_info=True, ignore_mismatched_sizes=True
        )
    except KogptError:
        raise
    except Exception as error:  # files break in many ways, and each library has its own words for it
        said = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        raise CheckpointError(f"Checkpoint {checkpoints.slug(base)!r} cannot be loaded as a classifier: {said:.200}") from error
    trained = sum(p.numel() for name, p in model.named_parameters() if name not in report["missing_keys"])
    if trained < sum(p.numel() for p in model.parameters()) / 2:
        raise CheckpointError(f"Checkpoint {checkpoints.slug(base)!r} lacks most of its weights. Training would start from random ones.")
    return model, reader


class GroupTrainer(Trainer):
    """Cross-entropy on softmax groups, binary cross-entropy on sigmoid groups, over the rows where each is known."""

    groups: Groups
    weights: dict[str, torch.Tensor]  # of a softmax group's labels

    def _get_train_sampler(self, train_dataset: Any = None) -> torch.utils.data.Sampler:
        dataset: Any = self.train_dataset
        return EpochSampler(self.args.train_batch_size * self.args.world_size, dataset.lengths, self.args.seed)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        targets, known = inputs.pop("targets"), inputs.pop("known")
        outputs = model(**inputs)
        loss = group_loss(self.groups, self.weights, outputs.logits.float(), targets, known)
        return (loss, outputs) if return_outputs else loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        rows: Any = self.eval_dataset
        predicted = predict(self.model, rows)
        parts = (torch.from_numpy(array) for array in (predicted.logits, predicted.targets, predicted.known))
        metrics = {"eval_loss": float(group_loss(self.groups, self.weights, *parts))}
        metrics |= {f"eval_{k}": v for k, v in measure(self.groups, predicted).items() if isinstance(v, float) and "macro_f1" in k}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def group_loss(
    groups: Groups, weights: dict[str, torch.Tensor], logits: torch.Tensor, targets: torch.Tensor, known: torch.Tensor
) -> torch.Tensor:
    """Sum over the groups of the mean loss a row; logits, targets, known [batch, labels]."""
    total = logits.new_zeros(())
    for name, columns in columns_of(groups).items():
        rows = known[:, columns.start]
        if rows.any():
            part, wanted = logits[rows, columns], targets[rows, columns]
            if groups[name]["activation"] == "softmax":
                total = total + functional.cross_entropy(part, wanted * weights[name].to(part.device))
            else:
                total = total + functional.binary_cross_entropy_with_logits(part, wanted) * _SIGMOID_SHARE
    return total


def class_weights(groups: Groups, targets: np.ndarray, known: np.ndarray) -> dict[str, torch.Tensor]:
    """For each softmax group a weight a label: the root of how much rarer than the mean it is, 1 over the rows on average.

    Sigmoid groups have none: their thresholds see to rare labels, and their probabilities stay true.
    """
    found = {}
    for name, columns in columns_of(groups).items():
        counts = targets[known[:, columns.start], columns].sum(0).clip(1)
        weights = np.sqrt(counts.mean() / counts)
        found[name] = torch.from_numpy((weights * counts.sum() / (weights * counts).sum()).astype(np.float32))
    return found


class Curve(TrainerCallback):
    """A line of curve.jsonl an evaluation; the train_loss is the mean since the one before."""

    def __init__(self, run: Path) -> None:
        self.run = run

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float] | None = None, **kwargs: Any) -> None:
        before = max((line["step"] for line in record.curve(self.run)), default=0)
        losses = [line["loss"] for line in state.log_history if "loss" in line and line["step"] > before]
        rest = {key.removeprefix("eval_"): round(value, 5) for key, value in (metrics or {}).items() if key != "eval_loss"}
        record.log(
            self.run, step=state.global_step, epoch=round(state.epoch or 0.0, 4), tokens=int(state.num_input_tokens_seen),
            train_loss=round(mean(losses), 5) if losses else None, validation_loss=round((metrics or {})["eval_loss"], 5), **rest,
        )  # fmt: skip


def _trainer(model: Any, rows: Split, reader: Encoder, groups: Groups, run: Path, options: Options) -> GroupTrainer:
    if options.patience and not rows.calibration:
        raise KogptError("--patience needs held-out rows to look at, and these data hold none out: give more rows, or leave it out.")
    train = Rows(rows.train, reader, groups)
    watched = Rows(random.Random(0).sample(rows.calibration, min(_WATCHED, len(rows.calibration))), reader, groups)
    clock = options.budget.clock()
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.learning_rate, weight_decay=0.01)
    strategies: dict[str, Any] = {"logging_steps": min(50, max(1, len(train) // options.batch_size))}
    if len(watched):
        strategies |= {
            "load_best_model_at_end": True, "metric_for_best_model": "loss", "greater_is_better": False,
            "eval_strategy": options.budget.options["save_strategy"], "eval_steps": options.budget.options.get("save_steps"),
        }  # fmt: skip
    trainer = GroupTrainer(
        model,
        arguments(
            run, options.batch_size, options.seed, include_num_input_tokens_seen="non_padding",
            restore_callback_states_from_checkpoint=bool(options.patience), **options.budget.options, **strategies,
        ),
        train_dataset=train,
        eval_dataset=watched if len(watched) else None,
        data_collator=train.collate,
        optimizers=(optimizer, warmup_stable_decay(optimizer, clock.progress, warmup_steps=50, decay=0.8)),
        callbacks=[clock, Milestones(clock, bool(len(watched))), Progress(clock), Curve(run)],
    )  # fmt: skip
    if options.patience:
        trainer.add_callback(EarlyStoppingCallback(options.patience))
    trainer.remove_callback(PrinterCallback)
    trainer.groups, trainer.weights = groups, class_weights(groups, train.targets, train.known)
    return trainer


def _ngrams(rows: list[Labelled], groups: Groups, weights: dict[str, torch.Tensor]) -> Ngrams:
    once = list({row.text: row for row in rows}.values())
    columns = columns_of(groups)
    importance = np.concatenate([weights[name].numpy() for name in columns])
    return ngram_fitting.fit([row.text for row in once], *targets_of(once, groups), groups, columns, importance)


def _record(function: str, base: str, model: Any, sources: list[Source], options: Options) -> Record:
    files = record.data_files([source.path for source in sources], {source.path: source.rows for source in sources})
    columns = {wanted: name for source in sources for wanted, name in source.columns.items()}
    kept = {**asdict(options), "lr": options.learning_rate, "column": columns}
    return Record(function, "classifier", base, loading.fingerprint(model), files, kept)


def save(model: Any, reader: Encoder, groups: Groups, out: Path) -> None:
    """Config, bf16 weights and tokenizer."""
    # A list, for a saved config sorts the keys of a mapping, and the groups' order is that of the outputs.
    listed = [{"name": name, **group} for name, group in groups.items()]
    undropped = {key: 0.0 for key in ("resid_pdrop", "embd_pdrop", "attn_pdrop") if hasattr(model.config, key)}
    model.config.update({**undropped, "label_groups": listed})
    out.mkdir(parents=True, exist_ok=True)
    model.to(torch.bfloat16).save_pretrained(out)
    reader.save(out)
