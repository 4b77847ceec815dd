"""What every training run shares: Hugging Face's TrainingArguments, a budget, and when to look at the held-out rows."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from transformers import TrainerCallback, TrainingArguments

from kogpt_funcs.training import seals
from kogpt_funcs.training.precision import has_bf16
from kogpt_funcs.training.sources import Source

_STEPS = 10**7  # no run of these models is that long: the clock ends one that has a budget of minutes
_COMPILING_PAYS = 5.0  # minutes of training
_SAVE_EVERY = 300.0  # seconds of training


@dataclass(frozen=True)
class Budget:
    """How long a run trains: `minutes` of training, or `epochs`; one of them."""

    minutes: float | None = None
    epochs: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        """TrainingArguments of this budget. By minutes, the run's Milestones say when to evaluate and to save."""
        if self.epochs:
            return {"num_train_epochs": self.epochs, "max_steps": -1, "save_strategy": "epoch"}
        return {"max_steps": _STEPS, "save_strategy": "steps", "save_steps": _STEPS}

    def clock(self) -> Clock:
        return Clock(self.minutes * 60 if self.minutes else None)


@dataclass(frozen=True)
class Choices:
    """What every fine-tuning lets one choose; a resume must repeat it (the budget apart)."""

    lr: float | None = None
    batch_size: int = 64  # rows a step at most
    batch_tokens: int = 1536  # padded tokens a step at most
    minutes: float | None = None
    epochs: int | None = None
    patience: int | None = None
    seed: int = 0

    @property
    def budget(self) -> Budget:
        return Budget(self.minutes, self.epochs)

    @property
    def learning_rate(self) -> float:
        """`lr`, or what suits this kind of training."""
        raise NotImplementedError

    def record(self, sources: Iterable[Source]) -> dict[str, Any]:
        """What a run's record keeps of these choices and of how `sources` are read."""
        sources = list(sources)
        columns = {wanted: name for source in sources for wanted, name in source.columns.items()}
        paragraphs = any(source.paragraphs for source in sources)
        return {**asdict(self), "lr": self.learning_rate, "column": columns, "paragraphs": paragraphs}


def arguments(run: Path, batch_size: int, seed: int, **options: Any) -> TrainingArguments:
    """Checkpoints and TensorBoard logs in `run`, bf16 autocast where it is fast; the run's Clock ends it."""
    gpu = torch.cuda.is_available()
    shared: dict[str, Any] = {
        "output_dir": str(run),
        "per_device_train_batch_size": batch_size,
        "seed": seed,
        "max_steps": _STEPS,
        "bf16": has_bf16(),
        "max_grad_norm": 1.0,
        "save_strategy": "steps",
        "save_total_limit": 2,
        "report_to": ["tensorboard"],
        "dataloader_pin_memory": gpu,
        "use_cpu": not gpu,
        "remove_unused_columns": False,
        "disable_tqdm": True,
        "log_level": "error",
        "log_level_replica": "error",
        "ddp_find_unused_parameters": False,
        "accelerator_config": {"even_batches": False},
    }
    return TrainingArguments(**(shared | options))


def compiler(budget: Budget, steps: int) -> bool:
    """Is torch.compile worth its minute for a run of so many `steps` or minutes, and is there a C++ compiler for it?

    It makes a step of equal blocks about twice as fast.
    """
    found = any(shutil.which(name) for name in ("c++", "g++", "clang++"))
    return found and (budget.minutes >= _COMPILING_PAYS if budget.minutes else steps >= 500)


class Clock(TrainerCallback):
    """How much of the budget is spent: of `seconds` of training, or of the run's steps without them.

    Each checkpoint keeps the seconds, and is sealed with them; a resume goes on from there and may change the budget.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.budget, self.spent = seconds, 0.0
        self.steps = 0  # of the whole run, when it is counted in epochs
        self._step = 0
        self._last: float | None = None

    @property
    def fraction(self) -> float:
        return self.progress(self._step)

    def progress(self, step: int) -> float:
        """The share of the budget that is spent when `step` steps are made, 0 to 1."""
        if self.budget:
            return self.spent / self.budget
        return step / self.steps if self.steps else 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.steps, self._step = state.max_steps, state.global_step
        if state.global_step and self._file(args, state).is_file():
            self.spent = float(json.loads(self._file(args, state).read_text(encoding="utf-8"))["seconds"])

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._last = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._step = state.global_step
        if self._last is not None:
            # A pause of the machine is not training: no step of these models takes a minute.
            self.spent = agreed(self.spent + min(60.0, time.monotonic() - self._last))
        if self.budget and self.fraction >= 1.0:
            control.should_training_stop = control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        agreed(0.0)  # every process has written its part
        if state.is_world_process_zero:
            self._file(args, state).write_text(json.dumps({"seconds": self.spent}), encoding="utf-8")
            seals.seal(self._file(args, state).parent)

    def _file(self, args: Any, state: Any) -> Path:
        return Path(args.output_dir) / f"checkpoint-{state.global_step}" / "clock.json"


class Milestones(TrainerCallback):
    """Evaluates and saves each epoch; or each tenth of the minutes. In between it saves every five minutes of
    training.
    """

    def __init__(self, clock: Clock, evaluates: bool) -> None:
        self.clock, self.evaluates = clock, evaluates
        self._tenth, self._saved = 0, 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._tenth, self._saved = int(self.clock.fraction * 10), self.clock.spent

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        tenth = int(self.clock.fraction * 10)
        if self.clock.budget and tenth > self._tenth:
            self._tenth = tenth
            control.should_log = control.should_save = True
            control.should_evaluate = self.evaluates
        if self.clock.spent - self._saved >= _SAVE_EVERY:
            control.should_save = True
        if control.should_save:
            self._saved = self.clock.spent

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not self.clock.budget:
            control.should_log = control.should_save = True
            control.should_evaluate = self.evaluates


def agreed(value: float) -> float:
    """The largest `value` that any process of the run has: all stop, save and evaluate at the same step."""
    if not torch.distributed.is_initialized():
        return value
    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    shared = torch.tensor([value], dtype=torch.float64, device=device)
    torch.distributed.all_reduce(shared, op=torch.distributed.ReduceOp.MAX)
    return float(shared)


@contextmanager
def main_process_first() -> Iterator[bool]:
    """True in the first of the processes that `accelerate launch` started, which the others wait for; or in the only
    one.
    """
    state = PartialState(cpu=not torch.cuda.is_available())
    with state.main_process_first():
        yield state.is_main_process
