"""Ctrl-C and a full disk end a run in a safe state: with a checkpoint, and a sentence that says how to go on."""

from __future__ import annotations

import errno
import shutil
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from transformers import Trainer, TrainerCallback

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.training import seals
from kogpt_funcs.training.loop import agreed

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: What torch and safetensors say in place of an errno.
_NO_ROOM_SAID = ("no space left", "file too large", "quota exceeded", "file write failed", "unexpected pos")


class Interruption(TrainerCallback):
    """The first Ctrl-C ends training after the current step, with a checkpoint; a second one ends it at once."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        print("Stopping after this step. Once more stops at once.", file=sys.stderr)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if agreed(float(self.asked)):
            self.asked = control.should_save = control.should_training_stop = True


def resume(trainer: Trainer, run: Path, checkpoint: Path | None) -> None:
    """Trains in the folder `run` from `checkpoint`, or from step 0; whatever ends it leaves the last checkpoint
    whole.
    """
    interruption = Interruption()
    trainer.add_callback(interruption)
    trainer.args.eval_on_start = checkpoint is None and trainer.eval_dataset is not None
    with guarded(run, interruption), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PEFT uses what transformers is about to rename
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


@contextmanager
def guarded(run: Path, interruption: Interruption) -> Iterator[None]:
    """Runs training in the folder `run`: KeyboardInterrupt when Ctrl-C ended it, KogptError when the disk is full."""
    before = signal.signal(signal.SIGINT, interruption.ask)
    try:
        yield
        if interruption.asked:
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        print(f"Stopped. {_kept(run)}", file=sys.stderr)
        raise
    except Exception as error:
        if not _no_room(error):
            raise
        _discard_torn(run)
        raise KogptError(f"There is no room left to write to {run}. Free some. {_kept(run)}") from error
    finally:
        signal.signal(signal.SIGINT, before)


def _no_room(error: BaseException) -> bool:
    said = str(error).lower()
    return getattr(error, "errno", None) in _NO_ROOM or any(words in said for words in _NO_ROOM_SAID)


def _discard_torn(run: Path) -> None:
    for checkpoint in seals.checkpoints(run):
        if not seals.is_whole(checkpoint):
            shutil.rmtree(checkpoint, ignore_errors=True)


def _kept(run: Path) -> str:
    whole = [checkpoint for checkpoint in seals.checkpoints(run) if seals.is_whole(checkpoint)]
    if not whole:
        return f"No checkpoint is in {run} yet: begin anew with --fresh."
    return f"Step {seals.step(whole[-1]):,} is kept in {whole[-1]}: the same command with --resume goes on from there."
