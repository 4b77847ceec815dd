"""Trains a function's classifier from a base: several label groups on one head, then calibrates and measures it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import f1_score, roc_auc_score
from torch.nn import functional
from transformers import AutoModelForSequenceClassification, Trainer
from transformers.trainer_utils import get_last_checkpoint

from kogpt_funcs import registry
from kogpt_funcs.errors import KogptError
from kogpt_funcs.models import Labelled, checkpoints
from kogpt_funcs.models.encoding import Encoder, encoder, pad
from kogpt_funcs.models.tokenizer import PAD
from kogpt_funcs.training.loop import Clock, arguments
from kogpt_funcs.training.mix import good_rows, is_held_out, rendered
from kogpt_funcs.training.optimizer import warmup_stable_decay

Groups = dict[str, dict[str, Any]]

HELD_OUT_EVERY = 8  # labelled rows are few: more of them are held out than of a base's text


def train_classifier(
    function: str, files: list[Path], *, base: str, run: Path, out: Path, minutes: float, lr: float, batch_size: int,
    seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Trains all weights for `minutes`, writes the checkpoint to `out`; returns its held-out figures."""
    module = registry.get(function).module
    if not hasattr(module, "training_labels"):
        raise KogptError(f"kogpt_funcs/{function}.py has no training_labels(row); it trains no classifier.")
    groups: Groups = module.LABEL_GROUPS
    folder = checkpoints.folder(base)
    train, held_out = _read(module.training_labels, files)
    torch.manual_seed(seed)
    labels = [label for group in groups.values() for label in group["labels"]]
    model = AutoModelForSequenceClassification.from_pretrained(
        str(folder), dtype=torch.float32, id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)}, resid_pdrop=0.1, embd_pdrop=0.1, attn_pdrop=0.1,
    )  # fmt: skip
    tokenizer = encoder(folder, model.config)
    clock = Clock(minutes * 60)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    trainer = GroupTrainer(
        model,
        arguments(run, batch_size, seed, logging_steps=50, save_steps=300, train_sampling_strategy="group_by_length"),
        train_dataset=Rows(train, tokenizer, groups),
        data_collator=collate,
        optimizers=(optimizer, warmup_stable_decay(optimizer, lambda step: clock.fraction, warmup_steps=50)),
        callbacks=[clock],
    )
    trainer.groups = groups
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(run)) if run.exists() else None)
    calibration, test = held_out[::2], held_out[1::2]
    groups = {name: {**group, "temperature": 1.0} for name, group in groups.items()}
    dataset = Rows(calibration, tokenizer, groups)
    calibrate(groups, *predict(model, dataset))
    logits, targets, known = predict(model, Rows(test, tokenizer, groups))
    figures = {"training_rows": len(train), "held_out_rows": len(test), "steps": trainer.state.global_step}
    figures |= measure(groups, logits, targets, known)
    _save(model, tokenizer, groups, out)
    (out / "figures.json").write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return figures


class Rows(torch.utils.data.Dataset):
    """Texts as ids, with targets [labels] in 0 to 1 and known [labels] saying which of them are meant."""

    def __init__(self, rows: Sequence[Labelled], tokenizer: Encoder, groups: Groups) -> None:
        self.items = []
        for text, targets in rows:
            values = [targets.get(name, {}).get(label, 0.0) for name, group in groups.items() for label in group["labels"]]
            known = [name in targets for name, group in groups.items() for _ in group["labels"]]
            self.items.append({"input_ids": tokenizer.encode(text), "targets": values, "known": known})

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.items[index]


def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    return {
        **pad([row["input_ids"] for row in rows], PAD),
        "targets": torch.tensor([row["targets"] for row in rows]),
        "known": torch.tensor([row["known"] for row in rows]),
    }


class GroupTrainer(Trainer):
    """Cross-entropy on softmax groups, binary cross-entropy on sigmoid groups, over the rows where each is known."""

    groups: Groups

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        targets, known = inputs.pop("targets"), inputs.pop("known")
        outputs = model(**inputs)
        loss = group_loss(self.groups, outputs.logits.float(), targets, known)
        return (loss, outputs) if return_outputs else loss


def group_loss(groups: Groups, logits: torch.Tensor, targets: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Sum over the groups of the mean loss a row; logits, targets, known [batch, labels]."""
    total = logits.new_zeros(())
    for name, columns in columns_of(groups).items():
        rows = known[:, columns.start]
        if rows.any():
            part, wanted = logits[rows, columns], targets[rows, columns]
            if groups[name]["activation"] == "softmax":
                total = total + functional.cross_entropy(part, wanted)
            else:
                total = total + functional.binary_cross_entropy_with_logits(part, wanted) * 8
    return total


def columns_of(groups: Groups) -> dict[str, slice]:
    """The slice of the outputs that each group has."""
    slices, start = {}, 0
    for name, group in groups.items():
        slices[name] = slice(start, start := start + len(group["labels"]))
    return slices


@torch.inference_mode()
def predict(model: Any, dataset: Rows) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, targets and known, each [rows, labels]."""
    model.eval()
    batches = [collate(dataset.items[i : i + 64]) for i in range(0, len(dataset), 64)]
    device = next(model.parameters()).device
    asked = [{key: b[key].to(device) for key in ("input_ids", "attention_mask")} for b in batches]
    logits = [model(**batch).logits.float().cpu() for batch in asked]
    return torch.cat(logits), torch.cat([b["targets"] for b in batches]), torch.cat([b["known"] for b in batches])


def calibrate(groups: Groups, logits: torch.Tensor, targets: torch.Tensor, known: torch.Tensor) -> None:
    """Sets each group's temperature (Guo et al. 2017) to the one with the least loss on these rows."""
    for name, columns in columns_of(groups).items():
        rows = known[:, columns.start]
        one = {name: groups[name]}
        losses = {
            t: float(group_loss(one, logits[rows, columns] / t, targets[rows, columns], known[rows, columns]))
            for t in np.arange(0.5, 3.01, 0.05).round(2).tolist()
        }
        groups[name]["temperature"] = min(losses, key=losses.__getitem__)


def measure(groups: Groups, logits: torch.Tensor, targets: torch.Tensor, known: torch.Tensor) -> dict[str, Any]:
    """For each group: macro-F1, mean and weakest one-vs-rest AUC, expected calibration error (15 bins)."""
    figures: dict[str, Any] = {}
    for name, columns in columns_of(groups).items():
        rows = known[:, columns.start].numpy()
        part = logits[rows][:, columns] / groups[name]["temperature"]
        wanted = targets[rows][:, columns].numpy()
        if groups[name]["activation"] == "softmax":
            chances = part.softmax(-1).numpy()
            truth = wanted.argmax(-1)
            figures[f"{name}_accuracy"] = float((chances.argmax(-1) == truth).mean())
            figures[f"{name}_macro_f1"] = float(f1_score(truth, chances.argmax(-1), average="macro"))
            figures[f"{name}_ece"] = calibration_error(chances.max(-1), chances.argmax(-1) == truth)
        else:
            chances = part.sigmoid().numpy()
            figures[f"{name}_macro_f1"] = float(f1_score(wanted > 0, chances >= 0.3, average="macro", zero_division=0))
            figures[f"{name}_ece"] = calibration_error(chances.ravel(), wanted.ravel() > 0)
        aucs = {
            label: float(roc_auc_score(wanted[:, i] > 0, chances[:, i]))
            for i, label in enumerate(groups[name]["labels"])
            if 0 < (wanted[:, i] > 0).sum() < len(wanted)
        }
        weakest = min(aucs, key=aucs.__getitem__)
        figures[f"{name}_mean_auc"] = float(np.mean(list(aucs.values())))
        figures[f"{name}_weakest_auc"] = {weakest: round(aucs[weakest], 4)}
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error (Naeini et al. 2015): mean |confidence − accuracy| over equal-width bins."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[which == b].mean() - right[which == b].mean()) * (which == b).mean() for b in np.unique(which)]
    return float(sum(gaps))


def _read(render: Any, files: list[Path]) -> tuple[list[Labelled], list[Labelled]]:
    train: list[Labelled] = []
    held_out: list[Labelled] = []
    for i, file in enumerate(files):  # a file named twice is trained on twice and held out once
        for row in good_rows(file):
            if not is_held_out(row, every=HELD_OUT_EVERY):
                train.extend(rendered(render, row, file))
            elif file not in files[:i]:
                held_out.extend(rendered(render, row, file))
    if not train:
        raise KogptError(f"No labelled row in {', '.join(file.name for file in files)}. {render.__doc__}")
    return train, held_out


def _save(model: Any, tokenizer: Encoder, groups: Groups, out: Path) -> None:
    # A list, for a saved config sorts the keys of a mapping, and the groups' order is that of the outputs.
    listed = [{"name": name, **group} for name, group in groups.items()]
    model.config.update({"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "label_groups": listed})
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save(out)
