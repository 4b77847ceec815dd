"""Pretrains a base from a text mix: vocabulary, packed blocks, then Hugging Face's Trainer within a budget."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models.tokenizers.kogpt2 import END, PAD, Tokenizer
from kogpt_funcs.training import record, seals
from kogpt_funcs.training.blocks import Packed, pack
from kogpt_funcs.training.export import save_base
from kogpt_funcs.training.interruption import resume
from kogpt_funcs.training.loop import Budget, Choices, compiler, main_process_first
from kogpt_funcs.training.mix import Part, is_held_out
from kogpt_funcs.training.optimizer import MuonAdamW
from kogpt_funcs.training.precision import has_bf16
from kogpt_funcs.training.record import Mode, Record
from kogpt_funcs.training.sequences import target_loss
from kogpt_funcs.training.sources import Source
from kogpt_funcs.training.starting import Start, start
from kogpt_funcs.training.trainer import trainer_for
from kogpt_funcs.training.vocabulary import train_vocabulary

_WATCHED = 24  # blocks of a held-out group to look at while training
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
            vocab_size=vocabulary,
            n_positions=length,
            n_embd=self.width,
            n_layer=self.layers,
            n_head=self.heads,
            bos_token_id=0,
            eos_token_id=END,
            pad_token_id=PAD,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
        )


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

    @property
    def choices(self) -> Choices:
        tokens = self.batch_size * self.length
        return Choices(
            batch_size=self.batch_size,
            batch_tokens=tokens,
            minutes=self.budget.minutes,
            epochs=self.budget.epochs,
            seed=self.seed,
        )

    def record(self, begun: Start | None) -> Record:
        files = [*dict.fromkeys(part.file for part in self.parts), *([self.mix] if self.mix else [])]
        shape = {} if begun else {**asdict(self.shape), "vocabulary": self.vocabulary_size}
        options = {
            **asdict(self.budget),
            **shape,
            "length": self.length,
            "decay": self.decay,
            "batch_size": self.batch_size,
            "column": {name: found for part in self.parts for name, found in part.columns.items()},
            "seed": self.seed,
        }
        return Record(
            "base", "base", self.start, begun.fingerprint if begun else None, record.data_files(files), options
        )


def train_base(asked: Asked, run: Path, out: Path, mode: Mode = "new") -> dict[str, float]:
    """Prepares and trains in the folder `run`, writes the checkpoint to `out`; returns held-out figures."""
    record.refuse(run, mode)
    begun = start(asked.start) if asked.start else None
    if begun and begun.length < asked.length:
        raise KogptError(f"--length {asked.length} is more than {asked.start} reads: {begun.length}.")
    with main_process_first() as first:
        checkpoint = record.begin(run, asked.record(begun), mode) if first else record.joined(run, mode)
        if begun and not (run / "tokenizer.json").exists():
            shutil.copy(begun.folder / "tokenizer.json", run)
        prepare(asked.vocabulary, asked.parts, run, vocabulary_size=asked.vocabulary_size, length=asked.length)
    figures = pretrain(asked, run, checkpoint, begun)
    with main_process_first() as first:
        if first:
            export(run, out)
    return figures


def pretrain(asked: Asked, run: Path, checkpoint: Path | None, begun: Start | None) -> dict[str, float]:
    """Trains on what is packed in `run` until the budget is spent, from `checkpoint` if there is one; returns
    held-out figures.

    A new run begins with the weights of `begun`, if given (its own shape, its own tokenizer).

    Bits per character count the target tokens and their end token, over the characters of the targets.
    """
    blocks, choices = Packed.load(run / "train.npz"), asked.choices
    packs = {path.stem: Packed.load(path) for path in sorted((run / "heldout").glob("*.npz"))}
    torch.manual_seed(asked.seed)
    model = (
        begun.model
        if begun
        else GPT2LMHeadModel(asked.shape.config(Tokenizer(run / "tokenizer.json").size, asked.length))
    )
    compiled = compiler(asked.budget, len(blocks.ids) // asked.batch_size * (asked.budget.epochs or 0))
    task = BlockTask(Blocks(blocks), {group: packed for group, packed in packs.items() if packed.characters})
    trainer = trainer_for(
        model,
        task,
        MuonAdamW(model),
        run,
        choices,
        decay=asked.decay,
        best=False,
        torch_compile=compiled,
        include_num_input_tokens_seen="all",
    )
    resume(trainer, run, checkpoint)
    figures = {group: bits_per_character(model, packed) for group, packed in task.held_out.items()}
    figures["tokens_seen"] = float(trainer.state.num_input_tokens_seen)
    return figures


class Blocks(torch.utils.data.Dataset):
    """Packed blocks as Trainer wants them."""

    def __init__(self, packed: Packed) -> None:
        self.ids = packed.ids

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.ids[index]

    @property
    def lengths(self) -> list[int]:
        return [self.ids.shape[1]] * len(self.ids)


def collate(blocks: list[np.ndarray]) -> dict[str, torch.Tensor]:
    """Ids [batch, length]; labels are the ids, pads left out."""
    ids = torch.from_numpy(np.stack(blocks).astype(np.int64))
    return {"input_ids": ids, "labels": ids.masked_fill(ids == PAD, -100)}


class BlockTask:
    """Packed blocks as a task of the training loop, watched by the bits a character of each held-out group."""

    def __init__(self, train: Blocks, held_out: dict[str, Packed]) -> None:
        self.train, self.held_out = train, held_out
        self.collate = collate

    @property
    def watched(self) -> bool:
        return bool(self.held_out)

    def loss(self, model: Any, batch: dict[str, Any]) -> torch.Tensor:
        return target_loss(model, batch)

    def watch(self, model: Any) -> dict[str, float]:
        measured = {group: measure(model, packed, _WATCHED) for group, packed in self.held_out.items()}
        nats, tokens = (sum(column) for column in zip(*((n, t) for n, t, _ in measured.values()), strict=True))
        return {"loss": nats / max(1, tokens), **{group: n / math.log(2) / c for group, (n, _, c) in measured.items()}}


def bits_per_character(model: torch.nn.Module, packed: Packed, blocks: int | None = None) -> float:
    """Bits per character of the counted tokens in the first `blocks` blocks (all by default)."""
    nats, _, characters = measure(model, packed, blocks)
    return nats / math.log(2) / characters


@torch.no_grad()
def measure(model: torch.nn.Module, packed: Packed, blocks: int | None = None) -> tuple[float, int, float]:
    """Nats of the counted tokens in the first `blocks` blocks, how many these are, their characters."""
    model.eval()
    ids = torch.from_numpy(packed.ids[:blocks].astype(np.int64))
    counted = torch.from_numpy(packed.counted[:blocks])
    device = next(model.parameters()).device
    nats = 0.0
    for rows, mask in zip(ids.split(4), counted.split(4), strict=True):
        with torch.autocast(device.type, torch.bfloat16, enabled=has_bf16()):
            logits = model(input_ids=rows.to(device), attention_mask=torch.ones_like(rows).to(device)).logits[:, :-1]
        losses = torch.nn.functional.cross_entropy(
            logits.float().transpose(1, 2), rows[:, 1:].to(device), reduction="none"
        )
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
    """The last checkpoint of `run` as a folder that transformers and this project load: bf16 weights, config,
    tokenizer.
    """
    checkpoint = seals.last_whole(run)
    if checkpoint is None:
        raise KogptError(f"No checkpoint in {run}. Train one: kogpt train base --run {run}")
    save_base(
        GPT2LMHeadModel.from_pretrained(str(checkpoint), dtype=torch.float32), Tokenizer(run / "tokenizer.json"), out
    )
