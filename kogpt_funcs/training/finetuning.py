"""Trains a function's adapter on a base: LoRA by PEFT, Hugging Face's Trainer, loss on the targets alone."""

from __future__ import annotations

import contextlib
import json
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2LMHeadModel, Trainer
from transformers.trainer_utils import get_last_checkpoint

from kogpt_funcs import registry
from kogpt_funcs.errors import KogptError
from kogpt_funcs.models import Example, checkpoints
from kogpt_funcs.models.classifier import pad
from kogpt_funcs.models.tokenizer import END, Tokenizer
from kogpt_funcs.training.loop import Clock, arguments
from kogpt_funcs.training.mix import good_rows, is_test, rendered
from kogpt_funcs.training.optimizer import warmup_stable_decay

_TARGETS = ["c_attn", "c_proj", "c_fc"]  # every matrix inside a GPT-2 block


@dataclass(frozen=True)
class Sequence:
    """Ids of prompt and target, the end token last; the loss counts from `start` on."""

    ids: list[int]
    start: int
    characters: int


def read_examples(
    function: str, files: list[Path], *, held_out: bool, passes: int = 1, keep: float = 1.0, seed: int = 0
) -> list[Example]:
    """The held-out examples of `function` in `files`, or the others: a share `keep` of the rows, rendered `passes` times.

    A renderer may draw at random, so that passes differ. A file named twice is trained on twice and held out once.
    """
    render = getattr(registry.get(function).module, "training_examples", None)
    if render is None:
        raise KogptError(f"kogpt_funcs/{function}.py has no training_examples(row, rng); it trains no adapter.")
    found: list[Example] = []
    for number in range(1 if held_out else passes):
        rng = random.Random(seed + number)
        for file in dict.fromkeys(files) if held_out else files:
            for row in good_rows(file):
                if is_test(row) == held_out and rng.random() < keep:
                    found.extend(rendered(render, row, file, rng))
    if not found:
        which = "held-out" if held_out else "training"
        raise KogptError(f"No {which} example in {', '.join(file.name for file in files)}. {render.__doc__ or ''}")
    return found


def train_adapter(
    function: str, files: list[Path], *, base: str, run: Path, out: Path, minutes: float, rank: int, lr: float,
    batch_size: int, passes: int = 1, keep: float = 1.0, seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Trains for `minutes` in `run` (resumed if it holds a checkpoint), writes the adapter to `out`; returns its figures."""
    folder = checkpoints.folder(base)
    tokenizer = Tokenizer(folder / "tokenizer.json")
    train = read_examples(function, files, held_out=False, passes=passes, keep=keep, seed=seed)
    torch.manual_seed(seed)
    plain = GPT2LMHeadModel.from_pretrained(str(folder), dtype=torch.float32)
    fingerprint = checkpoints.fingerprint(plain)
    lora = LoraConfig(
        r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=_TARGETS, fan_in_fan_out=True, task_type="CAUSAL_LM"
    )
    model: Any = get_peft_model(plain, lora)
    length = plain.config.n_positions
    clock = Clock(minutes * 60)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr, weight_decay=0.0)
    trainer = Trainer(
        model,
        arguments(run, batch_size, seed, logging_steps=50, save_steps=300, train_sampling_strategy="group_by_length"),
        train_dataset=Sequences(sequences(train, tokenizer, length)),
        data_collator=collate,
        optimizers=(optimizer, warmup_stable_decay(optimizer, lambda step: clock.fraction, warmup_steps=50)),
        callbacks=[clock],
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(run)) if run.exists() else None)
    figures: dict[str, Any] = {"training_examples": len(train), "steps": trainer.state.global_step}
    with contextlib.suppress(KogptError):  # a handful of rows may hold none out
        held = sequences(read_examples(function, files, held_out=True, keep=keep), tokenizer, length)
        figures["held_out_examples"] = len(held)
        figures["held_out_bits_per_character"] = round(bits_per_character(model, held), 4)
    save_adapter(model, out, base=base, fingerprint=fingerprint, figures=figures)
    return figures


def sequences(examples: Iterable[Example], tokenizer: Tokenizer, length: int) -> list[Sequence]:
    """Token ids of each example; one that is longer than `length` tokens is left out."""
    found = []
    for prompt, target in examples:
        before = tokenizer.encode(prompt)
        ids = [*before, *tokenizer.encode([target]), END]
        if len(ids) <= length:
            found.append(Sequence(ids, len(before), len(target)))
    return found


class Sequences(torch.utils.data.Dataset):
    """Sequences as Trainer wants them; `input_ids` is there for grouping by length."""

    def __init__(self, found: list[Sequence]) -> None:
        self.found = found

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input_ids": self.found[index].ids, "start": self.found[index].start}


def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """input_ids, attention_mask and labels [batch, longest]; labels are -100 on prompts and pads."""
    batch = pad([row["input_ids"] for row in rows])
    before = torch.arange(batch["input_ids"].shape[1]) < torch.tensor([[row["start"]] for row in rows])
    batch["labels"] = batch["input_ids"].masked_fill(before | (batch["attention_mask"] == 0), -100)
    return batch


@torch.no_grad()
def bits_per_character(model: torch.nn.Module, found: list[Sequence]) -> float:
    """Bits a character of the targets (their end token counted too)."""
    model.eval()
    device = next(model.parameters()).device
    nats = 0.0
    ordered = sorted(found, key=lambda s: len(s.ids))
    for i in range(0, len(ordered), 32):
        rows = collate([{"input_ids": s.ids, "start": s.start} for s in ordered[i : i + 32]])
        batch = {key: value.to(device) for key, value in rows.items()}
        labels = batch.pop("labels")[:, 1:]
        logits = model(**batch).logits[:, :-1]
        nats += float(torch.nn.functional.cross_entropy(logits.float().transpose(1, 2), labels, reduction="sum"))
    return nats / math.log(2) / max(1, sum(s.characters for s in found))


def save_adapter(model: Any, out: Path, *, base: str, fingerprint: str, figures: dict[str, Any]) -> None:
    """The adapter as PEFT keeps it, in bf16, with base.json naming the weights it fits."""
    out.mkdir(parents=True, exist_ok=True)
    model.to(torch.bfloat16).save_pretrained(str(out))
    config = json.loads((out / "adapter_config.json").read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base  # not the path it had on the machine that trained it
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    written = {"base": base, "fingerprint": fingerprint, "figures": figures}
    (out / "base.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    (out / "README.md").unlink(missing_ok=True)  # PEFT writes an empty card; ours is written by hand
