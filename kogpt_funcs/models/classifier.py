"""Reads labels off a text with any AutoModelForSequenceClassification; what the labels mean stands in its config."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification

from kogpt_funcs.errors import Busy, CheckpointError
from kogpt_funcs.models import cache, checkpoints
from kogpt_funcs.models.gate import admitted
from kogpt_funcs.models.language_model import device
from kogpt_funcs.models.tokenizer import END, PAD, Tokenizer

_BATCH = 32


def classify(texts: list[str], name: str) -> list[dict[str, dict[str, float]]]:
    """For each text {group: {label: probability}}. A softmax group sums to 1, a sigmoid group's labels are independent."""
    with admitted(), cache.using(name, lambda: Classifier(name)) as classifier:
        try:
            return classifier(texts)
        except torch.OutOfMemoryError as error:
            raise Busy(retry_after=10) from error


class Classifier(cache.Loaded):
    """A sequence classifier, its tokenizer and its label groups.

    `config.label_groups` is a list of {"name", "labels": [name, …], "activation": "softmax" or "sigmoid",
    "temperature"}; the groups' labels in order are the model's outputs. Without it all labels form one softmax group,
    "labels".
    """

    def __init__(self, name: str) -> None:
        folder = checkpoints.folder(name)
        config = checkpoints.read_json(folder / "config.json")
        if not any(folder.glob("*.safetensors")):
            raise CheckpointError(f"Checkpoint {name!r} has no weights (model.safetensors). Train it: kogpt train {name}")
        self.tokenizer = Tokenizer(folder / "tokenizer.json")
        self.device = device()
        self.model = _load(folder).to(self.device).eval()
        labels = [self.model.config.id2label[i] for i in range(self.model.config.num_labels)]
        self.groups = config.get("label_groups") or [{"name": "labels", "labels": labels, "activation": "softmax"}]
        if [label for group in self.groups for label in group["labels"]] != labels:
            raise CheckpointError(f"Checkpoint {name!r}: the labels of label_groups are not those of id2label, in order.")
        self.context = int(self.model.config.max_position_embeddings)

    @property
    def details(self) -> dict[str, Any]:
        return {"device": str(self.device), "dtype": str(self.model.dtype).removeprefix("torch.")}

    def __call__(self, texts: Sequence[str]) -> list[dict[str, dict[str, float]]]:
        ids = [encode(self.tokenizer, text, self.context) for text in texts]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))  # texts of a length share a batch: less padding
        results: dict[int, dict[str, dict[str, float]]] = {}
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            results.update(zip(chosen, self._read([ids[i] for i in chosen]), strict=True))
        return [results[i] for i in range(len(ids))]

    @torch.inference_mode()
    def _read(self, ids: list[list[int]]) -> list[dict[str, dict[str, float]]]:
        batch = {key: value.to(self.device) for key, value in pad(ids).items()}
        logits = self.model(**batch).logits.float().cpu()
        columns: list[tuple[str, list[str], torch.Tensor]] = []
        start = 0
        for group in self.groups:
            part = logits[:, start : start + len(group["labels"])] / float(group.get("temperature", 1.0))
            start += len(group["labels"])
            columns.append((group["name"], group["labels"], part.softmax(-1) if group["activation"] == "softmax" else part.sigmoid()))
        return [
            {name: dict(zip(labels, rows[i].tolist(), strict=True)) for name, labels, rows in columns}
            for i in range(len(ids))
        ]


def encode(tokenizer: Tokenizer, text: str, context: int) -> list[int]:
    """Ids of a text to classify, the end token last; a text that is too long loses its middle."""
    ids = tokenizer.encode([text])
    if len(ids) > context - 1:
        half = (context - 1) // 2
        ids = ids[:half] + ids[-(context - 1 - half) :]
    return [*ids, END]


def pad(ids: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
    """input_ids and attention_mask [batch, longest], padded on the right."""
    longest = max(map(len, ids))
    return {
        "input_ids": torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in ids]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids]),
    }


def _load(folder: Path) -> Any:
    return AutoModelForSequenceClassification.from_pretrained(str(folder), dtype=torch.float32, local_files_only=True)
