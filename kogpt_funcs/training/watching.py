"""What a person sees of a run while it trains: a bar or lines, the curve on disk, sample texts."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from tqdm import tqdm
from transformers import TrainerCallback

from kogpt_funcs.training import record
from kogpt_funcs.training.loop import Clock
from kogpt_funcs.training.sequences import Sequence
from kogpt_funcs.training.starting import Start

_SAMPLE_EVERY = 20.0  # seconds between two looks: short epochs need not show one each
_SAMPLE_TOKENS = 40


class Progress(TrainerCallback):
    """A bar of the budget on a terminal; elsewhere a plain line whenever there is something to say."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.bar: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero and sys.stderr.isatty():
            self.bar = tqdm(
                total=100, bar_format="{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}", file=sys.stderr
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.bar is not None:
            self.bar.update(min(100.0, 100 * self.clock.fraction) - self.bar.n)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        logs = logs or {}
        known = {"loss": "loss", "eval_loss": "held-out loss", "eval_bits_per_character": "held-out bits/character"}
        said = ", ".join(f"{name} {float(logs[key]):.4f}" for key, name in known.items() if key in logs)
        if not (said and state.is_world_process_zero):
            return
        if self.bar is not None:
            self.bar.set_postfix_str(f"step {state.global_step}, {said}")
        else:
            print(
                f"step {state.global_step:,} ({100 * self.clock.fraction:.0f} %): {said}", file=sys.stderr, flush=True
            )

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.bar is not None:
            self.bar.close()


class Curve(TrainerCallback):
    """A line of curve.jsonl an evaluation; the train_loss is the mean since the one before."""

    def __init__(self, run: Path) -> None:
        self.run = run

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        if not state.is_world_process_zero or metrics is None:
            return
        before = max((line["step"] for line in record.curve(self.run)), default=0)
        losses = [line["loss"] for line in state.log_history if "loss" in line and line["step"] > before]
        others = {name.removeprefix("eval_"): round(value, 5) for name, value in metrics.items() if name != "eval_loss"}
        record.log(
            self.run,
            step=state.global_step,
            epoch=round(state.epoch or 0.0, 4),
            tokens=int(state.num_input_tokens_seen),
            train_loss=round(mean(losses), 5) if losses else None,
            validation_loss=round(metrics["eval_loss"], 5),
            **others,
        )


class Samples(TrainerCallback):
    """What the model writes for the first held-out prompts, on stderr and in samples.jsonl, beside what was to be
    learned.
    """

    def __init__(self, run: Path, held_out: list[Sequence], begun: Start, count: int = 2) -> None:
        self.run, self.shown, self.length, self.tokenizer = run, held_out[:count], begun.length, begun.tokenizer
        self._last = -_SAMPLE_EVERY

    def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        if not state.is_world_process_zero or time.monotonic() - self._last < _SAMPLE_EVERY:
            return
        self._last = time.monotonic()
        for sequence in self.shown:
            # A text without a prompt is continued from its first words.
            prompt = sequence.ids[: max(sequence.start, 4)]
            decode = self.tokenizer.decode
            line = {"step": state.global_step, "prompt": decode(prompt), "text": decode(self._continued(model, prompt))}
            tqdm.write(f"  {line['prompt']} → {line['text']}", file=sys.stderr)
            with (self.run / "samples.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    @torch.no_grad()
    def _continued(self, model: Any, prompt: list[int]) -> list[int]:
        """A sampled continuation; the random numbers of the run are left as they were."""
        ids = torch.tensor([prompt], device=next(model.parameters()).device)
        room = max(1, min(_SAMPLE_TOKENS, self.length - len(prompt)))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            written = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                do_sample=True,
                temperature=0.8,
                top_k=50,
                max_new_tokens=room,
                pad_token_id=self.tokenizer.pad,
                eos_token_id=self.tokenizer.end,
            )
        return written[0, len(prompt) :].tolist()
