"""Reads labels off a text with any AutoModelForSequenceClassification; what the labels mean stands in its config."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import Busy, CheckpointError
from kogpt_funcs.models import cache
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.bases.loading import device
from kogpt_funcs.models.classifier.adapted import is_adapted, load_adapted
from kogpt_funcs.models.classifier.batching import Batches
from kogpt_funcs.models.classifier.encoding import encoder, pad
from kogpt_funcs.models.classifier.ngrams import Ngrams
from kogpt_funcs.models.gate import admitted
from kogpt_funcs.models.metadata import read_json
from kogpt_funcs.models.networks.quantization import quantize, row_scaled_runs

Probabilities = dict[str, dict[str, float]]

#: Padded ids in a batch: on a CPU what its cache holds (twice as many are slower a text), on a GPU what fills it.
_BUDGET = {"cpu": 512, "cuda": 16384}


def classify(texts: list[str], name: str) -> list[Probabilities]:
    """For each text {group: {label: probability}}. A softmax group sums to 1, a sigmoid group's labels are
    independent.
    """
    name = checkpoints.classifier(name, settings.current().base)
    with admitted(), cache.using(name, lambda: Classifier(name)) as classifier:
        try:
            return classifier(texts)
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise Busy(retry_after=10) from error


class Classifier(cache.Loaded):
    """A sequence classifier, its encoder and its label groups. May be called from any thread: calls share batches.

    `config.label_groups` is a list of {"name", "labels": [name, …], "activation": "softmax" or "sigmoid",
    "temperature", "thresholds": [a probability a label]}; the groups' labels in order are the model's outputs. Without
    it all labels form one softmax group, "labels". Where the checkpoint has n-gram weights, their logits are added to
    the model's. Where it is an adapter and a head, the base is read from where the base is. On a CPU the linear layers
    are int8 where the processor multiplies them rightly, unless it is to be `exact`.
    """

    def __init__(self, name: str, *, exact: bool = False) -> None:
        folder = checkpoints.folder(name)
        self.device = device()
        dtype = torch.float32 if self.device.type == "cpu" else torch.bfloat16
        if is_adapted(folder):
            self.groups = read_json(folder / "config.json")["label_groups"]
            self.model, self.encoder = load_adapted(folder, sum(len(group["labels"]) for group in self.groups), dtype)
        else:
            self.model = load(folder, dtype)
            self.encoder = encoder(folder, self.model.config)
            self.groups = _groups_of(self.model.config, folder)
            self.model.config.pad_token_id = self.encoder.pad_id  # GPT-2 and others read the last entry that is no pad
        self.ngrams = Ngrams.load(folder, sum(len(group["labels"]) for group in self.groups))
        self._parameters = sum(p.numel() for p in self.model.parameters())
        self._int8 = self.device.type == "cpu" and not exact and row_scaled_runs()
        if self._int8:
            quantize(self.model)
        self.model.to(self.device)
        self._batches = Batches(_BUDGET.get(self.device.type, 4096))

    @property
    def parameters(self) -> int:
        return self._parameters

    @property
    def bytes(self) -> int:
        ngrams = self.ngrams.bytes if self.ngrams else 0
        return super().bytes + ngrams + sum(getattr(module, "bytes", 0) for module in self.model.modules())

    @property
    def details(self) -> dict[str, Any]:
        return {
            "device": str(self.device),
            "dtype": "int8" if self._int8 else str(next(self.model.parameters()).dtype).removeprefix("torch."),
        }

    def __call__(self, texts: Sequence[str]) -> list[Probabilities]:
        if not texts:
            return []
        logits = torch.stack(self._batches(self._logits, [self.encoder.encode(text) for text in texts]))
        if self.ngrams:
            logits += torch.from_numpy(self.ngrams.logits(texts))
        return probabilities(logits, self.groups)

    @torch.inference_mode()
    def _logits(self, ids: list[list[int]]) -> Sequence[torch.Tensor]:
        """[labels] fp32 for each row of `ids`."""
        batch = {key: value.to(self.device) for key, value in pad(ids, self.encoder.pad_id).items()}
        return self.model(**batch).logits.float().cpu().clone().unbind()


def _groups_of(config: Any, folder: Path) -> list[dict[str, Any]]:
    labels = [config.id2label[i] for i in range(config.num_labels)]
    groups = getattr(config, "label_groups", None) or [{"name": "labels", "labels": labels, "activation": "softmax"}]
    if [label for group in groups for label in group["labels"]] != labels:
        raise CheckpointError(
            f"Checkpoint {folder.name!r}: the labels of label_groups are not those of id2label, in order."
        )
    return groups


def load(folder: Path, dtype: torch.dtype, **options: Any) -> Any:
    """The model in `folder`, ready to read; CheckpointError if it has no head for labels. `options` change its
    config.
    """
    trained = f"Train it: kogpt train {folder.name}"
    if not any(folder.glob("model*.safetensors")) and not any(folder.glob("*.bin")):
        raise CheckpointError(f"Checkpoint {folder.name!r} has no weights (model.safetensors). {trained}")
    config = AutoConfig.from_pretrained(str(folder), local_files_only=True)
    model, report = AutoModelForSequenceClassification.from_pretrained(
        str(folder), config=config, dtype=dtype, local_files_only=True, output_loading_info=True, **options
    )
    if report["missing_keys"]:
        lacking = ", ".join(sorted(report["missing_keys"]))
        raise CheckpointError(f"Checkpoint {folder.name!r} is no trained classifier: it has no {lacking}. {trained}")
    return model.eval()


def probabilities(logits: torch.Tensor, groups: Sequence[dict[str, Any]]) -> list[Probabilities]:
    """For each row of `logits` [rows, labels] {group: {label: probability}}."""
    parts = logits.split([len(group["labels"]) for group in groups], dim=1)
    chances = [activate(part, group).tolist() for part, group in zip(parts, groups, strict=True)]
    return [
        {
            group["name"]: dict(zip(group["labels"], rows[i], strict=True))
            for group, rows in zip(groups, chances, strict=True)
        }
        for i in range(len(logits))
    ]


def activate(logits: torch.Tensor, group: dict[str, Any]) -> torch.Tensor:
    """Probabilities [rows, labels of the group] of its `logits`, at its temperature."""
    logits = logits / float(group.get("temperature", 1.0))
    return logits.softmax(-1) if group["activation"] == "softmax" else logits.sigmoid()
