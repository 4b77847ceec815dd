"""Trains a function on a base, its adapter (LoRA by PEFT) or all weights: Hugging Face's Trainer, loss on the targets alone."""

from __future__ import annotations

import random
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tqdm import tqdm

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models import Example
from kogpt_funcs.training import corpus, record
from kogpt_funcs.training.export import save_trained
from kogpt_funcs.training.interruption import resume
from kogpt_funcs.training.loop import Choices, main_process_first
from kogpt_funcs.training.record import Mode, Record
from kogpt_funcs.training.sequences import Sequence, Sequences, bits_per_character, pieces
from kogpt_funcs.training.sources import Source
from kogpt_funcs.training.starting import Start, start
from kogpt_funcs.training.trainer import trainer_for

_TARGETS = ["c_attn", "c_proj", "c_fc"]  # every matrix inside a GPT-2 block
_WATCHED = 500  # held-out sequences to look at while training; the figures at the end are those of all


@dataclass(frozen=True)
class Options(Choices):
    """What decides the result of a fine-tuning, data and base apart."""

    full: bool = False  # all weights, not an adapter
    rank: int = 32  # of the adapter
    passes: int = 1  # how often the rows are rendered anew
    keep: float = 1.0  # share of the rows to use

    @property
    def learning_rate(self) -> float:
        return self.lr or (3e-4 if self.full else 1e-3)


@dataclass
class Data:
    """The examples of a run as sequences, and what became of the rows."""

    train: Sequences
    held_out: list[Sequence]
    sources: list[Source]
    too_long: int = 0
    examples: int = 0

    @property
    def rows(self) -> dict[Path, int]:
        return {source.path: source.rows for source in self.sources}

    @property
    def summary(self) -> str:
        said = [f"{source.path.name}: {source.rows:,} rows, {source.bad:,} bad" for source in {s.path: s for s in self.sources}.values()]
        said.append(f"{len(self.train):,} sequences to train on, {len(self.held_out):,} held out")
        return "; ".join(said + ([f"{self.too_long:,} longer than the base's context, left out"] if self.too_long else [])) + "."


def read_examples(
    function: str, files: list[Path], *, held_out: bool, passes: int = 1, keep: float = 1.0, seed: int = 0
) -> list[Example]:
    """The held-out examples of `function` in `files`, or the others: a share `keep` of the rows, rendered `passes` times."""
    sources = [Source(file) for file in files]
    found = [e for is_held_out, e in corpus.examples(function, sources, passes=passes, keep=keep, seed=seed) if is_held_out == held_out]
    if not found:
        raise _nothing(sources, "held-out" if held_out else "training")
    return found


def read(function: str, sources: list[Source], begun: Start, options: Options) -> Data:
    """The data of a run, read once (once a pass): bad rows and a summary are told on stderr."""
    data = Data(Sequences(), [], sources)
    found = corpus.examples(function, sources, passes=options.passes, keep=options.keep, seed=options.seed)
    for held_out, example in tqdm(found, desc="Reading", unit=" examples", file=sys.stderr, disable=not sys.stderr.isatty(), leave=False):
        sequences = list(pieces(example, begun.tokenizer, begun.model.config.n_positions))
        data.examples += not held_out
        data.too_long += not sequences
        for sequence in sequences:
            data.held_out.append(sequence) if held_out else data.train.append(sequence)
    print(data.summary, file=sys.stderr)
    if not len(data.train):
        raise _nothing(sources, "training")
    return data


def finetune(
    function: str, sources: list[Source], *, base: str, run: Path, out: Path, options: Options, mode: Mode = "new"
) -> dict[str, Any]:
    """Trains in the folder `run`, writes the adapter or the full checkpoint to `out`; returns its figures."""
    record.refuse(run, mode)
    begun = start(base)
    _quicken(begun.model)
    data = read(function, sources, begun, options)
    if options.patience and not data.held_out:
        raise KogptError("--patience needs held-out rows to look at, and these data hold none out: give more rows, or leave it out.")
    torch.manual_seed(options.seed)
    model: Any = begun.model if options.full else with_adapter(begun.model, options.rank)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=options.learning_rate, weight_decay=0.0)
    watched = random.Random(0).sample(data.held_out, min(_WATCHED, len(data.held_out)))
    trainer = trainer_for(
        model, data.train, watched, run=run, budget=options.budget, optimizer=optimizer, batch_size=options.batch_size,
        seed=options.seed, patience=options.patience, decode=begun.tokenizer.decode,
    )  # fmt: skip
    with main_process_first() as first:
        checkpoint = record.begin(run, _record(function, base, begun, data, options), mode) if first else record.joined(run, mode)
    resume(trainer, run, checkpoint)
    figures: dict[str, Any] = {"training_examples": data.examples, "steps": trainer.state.global_step}
    if data.held_out:
        figures["held_out_examples"] = len(data.held_out)
        figures["held_out_bits_per_character"] = round(bits_per_character(model, data.held_out), 4)
    if trainer.is_world_process_zero():
        save_trained(
            model, out, full=options.full, tokenizer=begun.tokenizer, base=base, fingerprint=begun.fingerprint, figures=figures
        )
    return figures


def _quicken(model: Any) -> None:
    """The same function on a CPU in less time: for texts of a sentence, plain attention and one kernel for each GELU are a third faster."""
    if not torch.cuda.is_available():
        model.set_attn_implementation("eager")
        for block in model.transformer.h:
            block.mlp.act = torch.nn.GELU(approximate="tanh")  # what GPT-2 calls gelu_new


def with_adapter(model: Any, rank: int) -> Any:
    lora = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=_TARGETS, fan_in_fan_out=True, task_type="CAUSAL_LM")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PEFT uses what transformers is about to rename
        return get_peft_model(model, lora)


def _record(function: str, base: str, begun: Start, data: Data, options: Options) -> Record:
    files = record.data_files([source.path for source in data.sources], data.rows)
    columns = {wanted: name for source in data.sources for wanted, name in source.columns.items()}
    kept = {**asdict(options), "lr": options.learning_rate, "column": columns, "paragraphs": any(s.paragraphs for s in data.sources)}
    return Record(function, "full" if options.full else "adapter", base, begun.fingerprint, files, kept)


def _nothing(sources: list[Source], which: str) -> KogptError:
    fault = next((f" {source.path.name}, {source.first_fault}" for source in sources if source.first_fault), "")
    rows = sum(source.rows - source.bad for source in sources)
    names = ", ".join(source.path.name for source in sources)
    return KogptError(f"No {which} example in {names}: {rows:,} readable rows.{fault}")
