"""Hugging Face's Trainer for sequences: batches of like lengths in an order that a resume repeats, an exact held-out loss."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer
from transformers.trainer_pt_utils import LengthGroupedSampler

from kogpt_funcs.training import sequences
from kogpt_funcs.training.loop import Budget, Milestones, arguments
from kogpt_funcs.training.optimizer import warmup_stable_decay
from kogpt_funcs.training.sequences import Sequence, Sequences
from kogpt_funcs.training.watching import Curve, Progress, Samples

_DECAY = 0.9  # of the budget: adapters gained nearly all while their rate fell (weights/README.md)


class SequenceTrainer(Trainer):
    """Trains on `train`; evaluates on `held_out`, whose metrics are eval_loss in nats a target token and bits a character."""

    model: Any

    def __init__(self, model: Any, train: Sequences, held_out: list[Sequence], **options: Any) -> None:
        super().__init__(model, train_dataset=train, eval_dataset=held_out or None, data_collator=sequences.collate, **options)
        self.sequences, self.held_out = train, held_out

    def _get_train_sampler(self, train_dataset: Any = None) -> torch.utils.data.Sampler:
        return EpochSampler(self.args.train_batch_size * self.args.world_size, self.sequences.lengths, self.args.seed)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        nats, tokens = sequences.loss(self.model, self.held_out)
        characters = sum(s.characters for s in self.held_out)
        metrics = {"eval_loss": nats / max(1, tokens), "eval_bits_per_character": nats / math.log(2) / max(1, characters)}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


class EpochSampler(LengthGroupedSampler):
    """Batches of like lengths, drawn by seed and epoch alone: a resume in the middle of an epoch sees the same order."""

    def __init__(self, batch_size: int, lengths: list[int], seed: int) -> None:
        super().__init__(batch_size, lengths=lengths, generator=torch.Generator())
        self.seed, self.epoch = seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        self.generator.manual_seed(self.seed * 1_000_003 + self.epoch)
        return super().__iter__()


def trainer_for(
    model: Any, train: Sequences, held_out: list[Sequence], *, run: Path, budget: Budget, optimizer: torch.optim.Optimizer,
    batch_size: int, seed: int = 0, patience: int | None = None, decode: Any = None,
) -> SequenceTrainer:  # fmt: skip
    """A trainer for `model` in the folder `run`: warm-up, constant, decay; the best held-out weights are loaded at the end.

    `decode` turns ids into text, for sample texts while training; `patience` is how many evaluations may go by without
    a better one.
    """
    clock = budget.clock()
    strategies: dict[str, Any] = {"logging_steps": min(50, max(1, len(train) // batch_size))}
    if held_out:
        strategies |= {
            "load_best_model_at_end": True, "metric_for_best_model": "loss", "greater_is_better": False,
            "eval_strategy": budget.options["save_strategy"], "eval_steps": budget.options.get("save_steps"),
        }  # fmt: skip
    watching = [Milestones(clock, bool(held_out)), Progress(clock), Curve(run)]
    watching += [Samples(run, held_out, decode)] if held_out and decode else []
    watching += [EarlyStoppingCallback(patience)] if patience else []
    trainer = SequenceTrainer(
        model, train, held_out,
        args=arguments(
            run, batch_size, seed, include_num_input_tokens_seen="non_padding",
            restore_callback_states_from_checkpoint=bool(patience), **budget.options, **strategies,
        ),
        optimizers=(optimizer, warmup_stable_decay(optimizer, clock.progress, warmup_steps=50, decay=_DECAY)),
        callbacks=[clock, *watching],
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    return trainer
