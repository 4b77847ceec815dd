"""The one training loop: Hugging Face's Trainer on a task, within a budget, resumed bit for bit. It knows no kind of
task.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.utils.data import BatchSampler, DataLoader
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainerCallback

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.training.loop import Choices, Milestones, arguments
from kogpt_funcs.training.optimizer import warmup_stable_decay
from kogpt_funcs.training.watching import Curve, Progress

_TOKENS = {"include_num_input_tokens_seen": "non_padding"}
_SORTED = 50  # batches' worth of rows that are sorted by length together


class Rows(Protocol):
    """What a task trains on: items by number, and how many tokens each has."""

    @property
    def lengths(self) -> list[int]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...


class Task(Protocol):
    """What is trained: rows, how they become a batch, its loss, and how the model is measured meanwhile."""

    @property
    def train(self) -> Rows:
        """What it trains on."""

    @property
    def watched(self) -> bool:
        """Are there held-out rows to look at while training?"""

    def collate(self, rows: list[Any]) -> dict[str, Any]: ...

    def loss(self, model: Any, batch: dict[str, Any]) -> torch.Tensor:
        """The mean loss of what counts in `batch`."""

    def watch(self, model: Any) -> dict[str, float]:
        """`loss`, and whatever else the curve is to keep, on held-out rows. The model may be left in evaluation
        mode.
        """


class TaskTrainer(Trainer):
    """Trains on `task.train`; an evaluation is `task.watch`."""

    def __init__(self, model: Any, task: Task, batch_tokens: int, **options: Any) -> None:
        rows: Any = task.train
        super().__init__(
            model,
            train_dataset=rows,
            eval_dataset=rows if task.watched else None,
            data_collator=task.collate,
            **options,
        )
        self.task, self.batch_tokens = task, batch_tokens

    def get_train_dataloader(self) -> DataLoader:
        args = self.args
        batches = LikeLengths(
            self.task.train.lengths, args.train_batch_size, self.batch_tokens, args.seed, args.world_size
        )
        rows: Any = self.task.train
        loader = DataLoader(
            rows, batch_sampler=batches, collate_fn=self.task.collate, pin_memory=args.dataloader_pin_memory
        )
        return self.accelerator.prepare(loader)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        return self.task.loss(model, inputs)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        metrics = {f"eval_{name}": value for name, value in self.task.watch(self.model).items()}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


class LikeLengths(BatchSampler):
    """Batches of like lengths: at most `rows` rows, and `tokens` padded tokens where that is more than one row.

    Their order is drawn by seed and epoch alone: a resume in the middle of an epoch sees the same one. Each epoch has
    as many as the first, a multiple of `processes`: where the lengths fall otherwise a batch is left out or seen twice.
    """

    def __init__(self, lengths: list[int], rows: int, tokens: int, seed: int, processes: int = 1) -> None:
        self.lengths, self.rows, self.tokens, self.seed, self.processes = lengths, rows, tokens, seed, processes
        self.batch_size, self.drop_last = None, False  # type: ignore[assignment]  # accelerate asks for both
        self.sampler = self  # type: ignore[assignment]  # and looks here for what wants to know the epoch
        self.epoch = 0
        self._count = -(-len(self._draw(0)) // processes) * processes

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[list[int]]:
        return itertools.islice(itertools.cycle(self._draw(self.epoch)), self._count)

    def _draw(self, epoch: int) -> list[list[int]]:
        rng = random.Random(self.seed * 1_000_003 + epoch)
        order = rng.sample(range(len(self.lengths)), len(self.lengths))
        size = _SORTED * self.rows
        batches: list[list[int]] = []
        for first in range(0, len(order), size):
            batches += self._cut(sorted(order[first : first + size], key=self.lengths.__getitem__))
        rng.shuffle(batches)
        return batches

    def _cut(self, ordered: list[int]) -> list[list[int]]:
        batches: list[list[int]] = [[]]
        for index in ordered:  # the longest of a batch comes last
            last = batches[-1]
            if last and (len(last) == self.rows or self.lengths[index] * (len(last) + 1) > self.tokens):
                batches.append([])
            batches[-1].append(index)
        return batches


def trainer_for(
    model: Any,
    task: Task,
    optimizer: torch.optim.Optimizer,
    run: Path,
    options: Choices,
    *watching: TrainerCallback,
    decay: float = 1.0,
    best: bool = True,
    **further: Any,
) -> TaskTrainer:
    """A trainer in the folder `run`: warm-up, constant, then a fall over the last `decay` of the budget.

    With `best`, the weights that were best on the held-out rows are loaded at the end. `further` are TrainingArguments.
    """
    if options.patience and not task.watched:
        raise KogptError(
            "--patience needs held-out rows to look at, and these data hold none out: give more rows, or leave it out."
        )
    clock = options.budget.clock()
    chosen: dict[str, Any] = {
        "logging_steps": min(50, max(1, len(task.train) // options.batch_size)),
        **options.budget.options,
    }
    chosen["restore_callback_states_from_checkpoint"] = bool(options.patience)
    if task.watched:
        chosen |= {
            "load_best_model_at_end": best,
            "metric_for_best_model": "loss",
            "greater_is_better": False,
            "eval_strategy": chosen["save_strategy"],
            "eval_steps": chosen.get("save_steps"),
        }
    stopping = [EarlyStoppingCallback(options.patience)] if options.patience else []
    trainer = TaskTrainer(
        model,
        task,
        options.batch_tokens,
        args=arguments(run, options.batch_size, options.seed, **{**_TOKENS, **chosen, **further}),
        optimizers=(optimizer, warmup_stable_decay(optimizer, clock.progress, warmup_steps=50, decay=decay)),
        callbacks=[clock, Milestones(clock, task.watched), Progress(clock), Curve(run), *watching, *stopping],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer
