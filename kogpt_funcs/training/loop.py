"""What every training run shares: Hugging Face's TrainingArguments, and a budget of wall-clock time."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainingArguments


def arguments(run: Path, batch_size: int, seed: int, **options: Any) -> TrainingArguments:
    """Checkpoints and TensorBoard logs in `run`, bf16 autocast; the run's Clock ends it."""
    gpu = torch.cuda.is_available()
    shared: dict[str, Any] = {
        "output_dir": str(run), "per_device_train_batch_size": batch_size, "seed": seed, "max_steps": 10**7, "bf16": True,
        "max_grad_norm": 1.0, "save_strategy": "steps", "save_total_limit": 2, "report_to": ["tensorboard"],
        "dataloader_pin_memory": gpu, "use_cpu": not gpu, "remove_unused_columns": False, "disable_tqdm": True,
    }  # fmt: skip
    return TrainingArguments(**shared, **options)


def compiler() -> bool:
    """Is there a C++ compiler? torch.compile then makes a step about twice as fast, after half a minute of compiling."""
    return any(shutil.which(name) for name in ("c++", "g++", "clang++"))


class Clock(TrainerCallback):
    """Seconds of training spent of a budget; each checkpoint keeps them, a resume goes on from there and may change the budget."""

    def __init__(self, budget: float) -> None:
        self.budget, self.spent = budget, 0.0
        self._last: float | None = None

    @property
    def fraction(self) -> float:
        return self.spent / self.budget

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # A run killed between a checkpoint and its clock only trains the longer for it.
        if state.global_step and self._file(args, state).is_file():
            self.spent = float(json.loads(self._file(args, state).read_text(encoding="utf-8"))["seconds"])

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._last = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._last is not None:
            # A pause of the machine is not training: no step of these models takes a minute.
            self.spent += min(60.0, time.monotonic() - self._last)
        if self.fraction >= 1.0:
            control.should_training_stop = control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._file(args, state).write_text(json.dumps({"seconds": self.spent}), encoding="utf-8")

    def _file(self, args: Any, state: Any) -> Path:
        return Path(args.output_dir) / f"checkpoint-{state.global_step}" / "clock.json"
