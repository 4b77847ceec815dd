"""Pretrains a base from a text mix: vocabulary, packed blocks, then Hugging Face's Trainer within a budget."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from tqdm import tqdm
from transformers import GPT2Config, GPT2LMHeadModel, PrinterCallback, Trainer, TrainerCallback

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models.tokenizers.kogpt2 import END, PAD, Tokenizer
from kogpt_funcs.training import record, seals
from kogpt_funcs.training.blocks import Packed, pack
from kogpt_funcs.training.export import save_base
from kogpt_funcs.training.interruption import resume
from kogpt_funcs.training.loop import Budget, arguments, compiler, main_process_first
from kogpt_funcs.training.mix import Part, is_held_out
from kogpt_funcs.training.optimizer import MuonAdamW, warmup_stable_decay
from kogpt_funcs.training.record import Mode, Record
from kogpt_funcs.training.sources import Source
from kogpt_funcs.training.starting import Start, start
from kogpt_funcs.training.vocabulary import train_vocabulary
from kogpt_funcs.training.watching import Progress

_LARGE = 5_000_000  # bytes on disk, packed or not: more text than a vocabulary needs


def prepare(vocabulary: list[Path], parts: list[Part], run: Path, *, vocabulary_size: int, length: int) -> None:
    """Writes tokenizer.json, heldout/GROUP.npz and train.npz into `run`; what is there already is kept."""
    if not (run / "tokenizer.json").exists():
        train_vocabulary(_vocabulary_texts(vocabulary, parts), vocabulary_size, run / "tokenizer.json")
    tokenizer = Tokenizer(run / "tokenizer.json")
    if not (run / "train.npz").exists():
        (run / "heldout").mkdir(exist_ok=True)
        for group in sorted({part.group for part in parts}):
            examples = (e for part in parts if part.group == group for e in part.examples(held_out=True))
            pack(examples, tokenizer, length).save(run / "heldout" / f"{group}.npz")
        packed = pack((e for part in parts for e in part.examples(held_out=False)), tokenizer, length)
        if not len(packed.ids):
            raise KogptError(f"No text to train on in {', '.join(sorted({part.file.name for part in parts}))}.")
        packed.save(run / "train.npz")


@dataclass(frozen=True)
class Shape:
    """A GPT-2's: layers, width, heads; its context is that of the packed blocks."""

    layers: int = 6
    width: int = 256
    heads: int = 4

    def config(self, vocabulary: int, length: int) -> GPT2Config:
        return GPT2Config(
            vocab_size=vocabulary, n_positions=length, n_embd=self.width, n_layer=self.layers, n_head=self.heads,
            bos_token_id=0, eos_token_id=END, pad_token_id=PAD, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What is to be pretrained: texts, tokenizer, shape, budget."""

    vocabulary: list[Path]  # files that the tokenizer is learned from
    parts: list[Part]
    mix: Path | None  # where `parts` stand
    shape: Shape
    length: int
    vocabulary_size: int
    budget: Budget
    decay: float = 0.4
    batch_size: int = 8
    start: str | None = None  # a checkpoint whose weights, shape and tokenizer the run begins with
    seed: int = 0

    def record(self, begun: Start | None) -> Record:
        files = [*dict.fromkeys(part.file for part in self.parts), *([self.mix] if self.mix else [])]
        shape = {} if begun else {**asdict(self.shape), "vocabulary": self.vocabulary_size}
        options = {
            **asdict(self.budget), **shape, "length": self.length, "decay": self.decay, "batch_size": self.batch_size,
            "column": {name: found for part in self.parts for name, found in part.columns.items()}, "seed": self.seed,
        }  # fmt: skip
        return Record("base", "base", self.start, begun.fingerprint if begun else None, record.data_files(files), options)


def train_base(asked: Asked, run: Path, out: Path, mode: Mode = "new") -> dict[str, float]:
    """Prepares and trains in the folder `run`, writes the checkpoint to `out`; returns held-out figures."""
    record.refuse(run, mode)
    begun = start(asked.start) if asked.start else None
    if begun and begun.model.config.n_positions < asked.length:
        raise KogptError(f"--length {asked.length} is more than {asked.start} reads: {begun.model.config.n_positions}.")
    with main_process_first() as first:
        checkpoint = record.begin(run, asked.record(begun), mode) if first else record.joined(run, mode)
        if begun and not (run / "tokenizer.json").exists():
            shutil.copy(begun.folder / "tokenizer.json", run)
        prepare(asked.vocabulary, asked.parts, run, vocabulary_size=asked.vocabulary_size, length=asked.length)
    figures = pretrain(
        run, shape=asked.shape, budget=asked.budget, checkpoint=checkpoint, decay=asked.decay, batch_size=asked.batch_size,
        begun=begun, seed=asked.seed,
    )  # fmt: skip
    with main_process_first() as first:
        if first:
            export(run, out)
    return figures


def pretrain(
    run: Path, *, shape: Shape, budget: Budget, checkpoint: Path | None = None, decay: float = 0.4, batch_size: int = 8,
    begun: Start | None = None, seed: int = 0,
) -> dict[str, float]:  # fmt: skip
    """Trains in `run` until the budget is spent, from `checkpoint` if there is one; returns held-out figures.

    A new run begins with the weights of `begun`, if given (its own shape, its own tokenizer).

    Bits per character count the target tokens and their end token, over the characters of the targets.
    """
    blocks = Packed.load(run / "train.npz")
    held_out = {path.stem: Packed.load(path) for path in sorted((run / "heldout").glob("*.npz"))}
    length = blocks.ids.shape[1]
    torch.manual_seed(seed)
    model = begun.model if begun else GPT2LMHeadModel(shape.config(Tokenizer(run / "tokenizer.json").size, length))
    clock = budget.clock()
    optimizer = MuonAdamW(model)
    compiled = compiler(budget, len(blocks.ids) // batch_size * (budget.epochs or 0))
    paced = {**budget.options, "save_strategy": "steps", "save_steps": 150, "logging_steps": 25}
    trainer = Trainer(
        model,
        arguments(run, batch_size, seed, torch_compile=compiled, **paced),
        train_dataset=Blocks(blocks),
        data_collator=collate,
        optimizers=(optimizer, warmup_stable_decay(optimizer, clock.progress, decay=decay)),
        callbacks=[clock, Progress(clock), HeldOut(held_out, run, every=300)],
    )
    trainer.remove_callback(PrinterCallback)
    resume(trainer, run, checkpoint)
    figures = {group: bits_per_character(model, packed) for group, packed in held_out.items() if packed.characters}
    figures["tokens_seen"] = float(trainer.state.global_step * batch_size * length)
    return figures


class Blocks(torch.utils.data.Dataset):
    """Packed blocks as Trainer wants them."""

    def __init__(self, packed: Packed) -> None:
        self.ids = packed.ids

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.ids[index]


def collate(blocks: list[np.ndarray]) -> dict[str, torch.Tensor]:
    """Ids [batch, length]; labels are the ids, pads left out."""
    ids = torch.from_numpy(np.stack(blocks).astype(np.int64))
    return {"input_ids": ids, "labels": ids.masked_fill(ids == PAD, -100)}


class HeldOut(TrainerCallback):
    """Tells and logs held-out bits per character of each group now and then, and at the end."""

    def __init__(self, groups: dict[str, Packed], run: Path, every: int) -> None:
        self.groups = {group: packed for group, packed in groups.items() if packed.characters}
        self.run, self.every = run, every

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        last = control.should_training_stop or state.global_step >= state.max_steps
        if state.is_world_process_zero and (state.global_step % self.every == 0 or last):
            self._tell(args, state, model)

    def _tell(self, args: Any, state: Any, model: Any) -> None:
        measured = {group: measure(model, packed, blocks=24) for group, packed in self.groups.items()}
        bits = {group: round(nats / math.log(2) / characters, 4) for group, (nats, _, characters) in measured.items()}
        said = ", ".join(f"{group} {value:.4f}" for group, value in bits.items())
        tqdm.write(f"step {state.global_step:,}: held-out bits/character: {said or 'no row is held out'}", file=sys.stderr)
        nats, tokens = (sum(column) for column in zip(*((n, t) for n, t, _ in measured.values()), strict=True)) if measured else (0.0, 0)
        losses = [line["loss"] for line in state.log_history if "loss" in line and line["step"] > state.global_step - self.every]
        record.log(
            self.run, step=state.global_step, epoch=round(state.epoch or 0.0, 4),
            tokens=state.global_step * args.train_batch_size * args.world_size * self._length,
            train_loss=round(mean(losses), 5) if losses else None, validation_loss=round(nats / tokens, 5) if tokens else None,
            **bits,
        )  # fmt: skip

    @property
    def _length(self) -> int:
        return next((packed.ids.shape[1] for packed in self.groups.values()), 0)


def bits_per_character(model: torch.nn.Module, packed: Packed, blocks: int | None = None) -> float:
    """Bits per character of the counted tokens in the first `blocks` blocks (all by default)."""
    nats, _, characters = measure(model, packed, blocks)
    return nats / math.log(2) / characters


@torch.no_grad()
def measure(model: torch.nn.Module, packed: Packed, blocks: int | None = None) -> tuple[float, int, float]:
    """Nats of the counted tokens in the first `blocks` blocks, how many these are, their characters; bf16 autocast."""
    model.eval()
    ids = torch.from_numpy(packed.ids[:blocks].astype(np.int64))
    counted = torch.from_numpy(packed.counted[:blocks])
    device = next(model.parameters()).device
    nats = 0.0
    for rows, mask in zip(ids.split(4), counted.split(4), strict=True):
        with torch.autocast(device.type, torch.bfloat16):
            logits = model(input_ids=rows.to(device), attention_mask=torch.ones_like(rows).to(device)).logits[:, :-1]
        losses = torch.nn.functional.cross_entropy(logits.float().transpose(1, 2), rows[:, 1:].to(device), reduction="none")
        nats += float(losses[mask[:, 1:].to(device)].sum())
    model.train()
    share = float(counted.sum()) / max(1.0, float(packed.counted.sum()))
    return nats, int(counted[:, 1:].sum()), max(1.0, packed.characters * share)


def _vocabulary_texts(files: list[Path], parts: list[Part]) -> Iterator[str]:
    """The texts that the vocabulary is learned from: of large files one row in five."""
    columns = {part.file: part.columns for part in parts}
    every = 5 if sum(file.stat().st_size for file in files) > _LARGE else 1
    for file in files:
        for number, row in enumerate(Source(file, columns.get(file, {})).read(quiet=True)):
            if number % every == 0 and not is_held_out(row.cells):
                yield str(row.cells.get("text") or "\n".join(row.cells.get("turns", [])))


def export(run: Path, out: Path) -> None:
    """The last checkpoint of `run` as a folder that transformers and this project load: bf16 weights, config, tokenizer."""
    checkpoint = seals.last_whole(run)
    if checkpoint is None:
        raise KogptError(f"No checkpoint in {run}. Train one: kogpt train base --run {run}")
    save_base(GPT2LMHeadModel.from_pretrained(str(checkpoint), dtype=torch.float32), Tokenizer(run / "tokenizer.json"), out)
