"""Any function's adapter: held-out bits per character of its targets, beside those of the bare base."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from peft import PeftModel

from kogpt_funcs.contract import registry, settings
from kogpt_funcs.contract.errors import CheckpointError, KogptError
from kogpt_funcs.evaluation import rows
from kogpt_funcs.evaluation.report import Figures
from kogpt_funcs.evaluation.rows import Asked
from kogpt_funcs.models import Example
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.bases.loading import device
from kogpt_funcs.models.metadata import read_json
from kogpt_funcs.training import sequences
from kogpt_funcs.training.starting import Start, start

_MOST = 300  # examples; enough to tell an adapter from its base


def measure(asked: Asked) -> Figures:
    return {"function": asked.function, **bits_per_character(asked, rows.held_out(asked))}


def bits_per_character(asked: Asked, held_out: Sequence[dict[str, Any]]) -> Figures:
    """Bits per character of at most 300 targets that the rows `held_out` render, by the base alone and as it was
    trained for the function, in fp32.
    """
    examples = list(_examples(asked, held_out))
    begun = start(settings.current().base)
    model = begun.model.to(device())
    chosen = rows.draw(examples, min(asked.limit or _MOST, _MOST), asked.seed)
    found = sequences.sequences(chosen, begun.tokenizer, begun.length)
    alone = sequences.bits_per_character(model, found)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT warns of what transformers is about to rename
        adapted = _adapted(asked.function, begun)
    return {
        "base": checkpoints.slug(settings.current().base),
        "bits_per_character": {
            "base alone": {"examples": len(found), "bits": round(alone, 4)},
            "trained for it": {"examples": len(found), "bits": round(sequences.bits_per_character(adapted, found), 4)},
        },
    }


def _examples(asked: Asked, held_out: Sequence[dict[str, Any]]) -> Iterator[Example]:
    render = registry.get(asked.function).training_examples
    if render is None:
        raise KogptError(
            f"kogpt_funcs/{asked.function}.py has no training_examples(row, rng), so it has no adapter to measure."
        )
    rng, made = random.Random(asked.seed), 0
    for row in held_out:
        try:
            found = list(render(row, rng))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            print(
                f"A held-out row of {asked.names} is skipped: {error!r}. Columns found: {', '.join(row)}.",
                file=sys.stderr,
            )
            continue
        made += len(found)
        yield from found
    if not made:
        raise KogptError(f"No held-out row of {asked.names} makes an example. {render.__doc__ or ''}")


def _adapted(function: str, begun: Start) -> Any:
    full = checkpoints.full_checkpoint(function, settings.current().base)
    if full:
        return start(full).model.to(device())
    return PeftModel.from_pretrained(begun.model, str(_adapter(function, begun)))


def _adapter(function: str, begun: Start) -> Any:
    folder = checkpoints.adapter_folder(function, settings.current().base)
    if folder is None:
        raise CheckpointError(
            f"No adapter {function!r} for base {checkpoints.slug(settings.current().base)!r}. Train it: kogpt "
            f"train {function} --data FILE"
        )
    if read_json(folder / "base.json").get("fingerprint") != begun.fingerprint:
        raise CheckpointError(
            f"The adapter {function!r} was trained on other weights than this base has. Train it again: kogpt "
            f"train {function} --data FILE"
        )
    return folder
