"""Pretrains a base from a text mix: vocabulary, packed blocks, then Hugging Face's Trainer within a time budget."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

from kogpt_funcs.errors import KogptError
from kogpt_funcs.models.tokenizer import END, PAD, SPECIALS, Tokenizer
from kogpt_funcs.training.blocks import Packed, pack
from kogpt_funcs.training.loop import Clock, arguments, compiler
from kogpt_funcs.training.mix import good_rows, is_held_out, read_mix
from kogpt_funcs.training.optimizer import MuonAdamW, warmup_stable_decay
from kogpt_funcs.training.vocabulary import train_vocabulary


def prepare(mix: Path, data: Path, run: Path, *, vocabulary_size: int, length: int) -> None:
    """Writes tokenizer.json, train.npz and heldout/GROUP.npz into `run`; what is there already is kept."""
    vocabulary, parts = read_mix(mix, data)
    if not (run / "tokenizer.json").exists():
        train_vocabulary(_vocabulary_texts(vocabulary), vocabulary_size, run / "tokenizer.json")
    tokenizer = Tokenizer(run / "tokenizer.json")
    if not (run / "train.npz").exists():
        (run / "heldout").mkdir(exist_ok=True)
        for group in sorted({part.group for part in parts}):
            examples = (e for part in parts if part.group == group for e in part.examples(held_out=True))
            pack(examples, tokenizer, length).save(run / "heldout" / f"{group}.npz")
        packed = pack((e for part in parts for e in part.examples(held_out=False)), tokenizer, length)
        packed.save(run / "train.npz")


def pretrain(
    run: Path, *, layers: int, width: int, heads: int, minutes: float, decay: float = 0.4,
    batch_size: int = 8, start: Path | None = None, seed: int = 0,
) -> dict[str, float]:  # fmt: skip
    """Trains in `run` until `minutes` of training have passed, resuming its last checkpoint; returns held-out figures.

    A new run begins with the weights in the folder `start`, if one is given (its own shape, its own tokenizer).

    Bits per character count the target tokens and their end token, over the characters of the targets.
    """
    train = Packed.load(run / "train.npz")
    held_out = {path.stem: Packed.load(path) for path in sorted((run / "heldout").glob("*.npz"))}
    config = GPT2Config(
        vocab_size=Tokenizer(run / "tokenizer.json").size, n_positions=train.ids.shape[1], n_embd=width, n_layer=layers,
        n_head=heads, bos_token_id=0, eos_token_id=END, pad_token_id=PAD,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = GPT2LMHeadModel.from_pretrained(start, dtype=torch.float32) if start else GPT2LMHeadModel(config)
    clock = Clock(minutes * 60)
    optimizer = MuonAdamW(model)
    trainer = Trainer(
        model,
        arguments(run, batch_size, seed, logging_steps=25, save_steps=150, torch_compile=compiler()),
        train_dataset=Blocks(train),
        data_collator=collate,
        optimizers=(optimizer, warmup_stable_decay(optimizer, lambda step: clock.fraction, decay=decay)),
        callbacks=[clock, HeldOut(held_out, run, every=300)],
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(run)))
    figures = {group: bits_per_character(model, packed) for group, packed in held_out.items()}
    figures["tokens_seen"] = float(trainer.state.global_step * batch_size * train.ids.shape[1])
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
    """Prints and logs held-out bits per character of each group now and then."""

    def __init__(self, groups: dict[str, Packed], run: Path, every: int) -> None:
        self.groups, self.run, self.every = groups, run, every

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        if state.global_step % self.every == 0 or control.should_training_stop:
            figures = {group: round(bits_per_character(model, p, blocks=24), 4) for group, p in self.groups.items()}
            tokens = state.global_step * args.per_device_train_batch_size * next(iter(self.groups.values())).ids.shape[1]
            line = {"step": state.global_step, "tokens": tokens, **figures}
            print(json.dumps(line, ensure_ascii=False), flush=True)
            with (self.run / "curve.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


@torch.no_grad()
def bits_per_character(model: torch.nn.Module, packed: Packed, blocks: int | None = None) -> float:
    """Bits per character of the counted tokens in the first `blocks` blocks (all by default), fp32 or bf16 autocast."""
    model.eval()
    ids = torch.from_numpy(packed.ids[:blocks].astype(np.int64))
    counted = torch.from_numpy(packed.counted[:blocks])
    device = next(model.parameters()).device
    nats = 0.0
    for rows, mask in zip(ids.split(4), counted.split(4), strict=True):
        with torch.autocast(device.type, torch.bfloat16):
            logits = model(input_ids=rows.to(device)).logits[:, :-1]
        losses = torch.nn.functional.cross_entropy(logits.float().transpose(1, 2), rows[:, 1:].to(device), reduction="none")
        nats += float(losses[mask[:, 1:].to(device)].sum())
    model.train()
    share = float(counted.sum()) / float(packed.counted.sum())
    return nats / math.log(2) / max(1.0, packed.characters * share)


def _vocabulary_texts(files: list[Path]) -> Any:
    for file in files:
        for number, row in enumerate(good_rows(file)):
            if number % 5 == 0 and not is_held_out(row):
                yield row["text"] if "text" in row else "\n".join(row["turns"])


def export(run: Path, out: Path) -> None:
    """The last checkpoint of `run` as a folder that transformers and this project load: bf16 weights, config, tokenizer."""
    checkpoint = get_last_checkpoint(str(run))
    if checkpoint is None:
        raise KogptError(f"No checkpoint in {run}. Train one: kogpt train base --run {run}")
    model = GPT2LMHeadModel.from_pretrained(checkpoint, dtype=torch.bfloat16)
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    Tokenizer(run / "tokenizer.json").save(out / "tokenizer.json")
    named = {"bos_token": 0, "eos_token": 1, "pad_token": 3, "unk_token": 5, "mask_token": 6}
    (out / "tokenizer_config.json").write_text(
        json.dumps(
            {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": model.config.n_positions}
            | {key: SPECIALS[i] for key, i in named.items()},
            indent=2,
        ),
        encoding="utf-8",
    )
