"""A base: bits per character and perplexity of each held-out group of its text mix, beside a 5-gram Kneser-Ney
model.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GPT2LMHeadModel
from transformers.trainer_utils import get_last_checkpoint

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import CheckpointError, KogptError
from kogpt_funcs.evaluation import kneser_ney
from kogpt_funcs.evaluation.kneser_ney import KneserNey, Stream
from kogpt_funcs.evaluation.report import Figures
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.bases.loading import device
from kogpt_funcs.models.metadata import read_json
from kogpt_funcs.models.tokenizers.kogpt2 import PAD, Tokenizer
from kogpt_funcs.training import pretraining
from kogpt_funcs.training.blocks import Packed
from kogpt_funcs.training.mix import read_mix

_ORDER = 5
_TOGETHER = ("stories", "comments")  # what the functions write: one figure for both

_NOTES = [
    "Bits and perplexity are of the held-out targets' tokens and end tokens, over these tokens' characters; "
    "both models count the same.",
    f"Kneser-Ney: interpolated modified, order {_ORDER}, over the same tokens of the same training text, where "
    f"each document counts "
    "once however often the mix repeats it (counting repeats makes it worse).",
    "below: how far the base's bits are below Kneser-Ney's.",
]


def pack(run: Path, data: Path, mix: Path | None) -> None:
    """Packs the text of `mix` into the folder `run` with KOGPT_BASE's tokenizer, as `kogpt train base` does."""
    folder = checkpoints.folder(settings.current().base)
    run.mkdir(parents=True, exist_ok=True)
    if not (run / "tokenizer.json").exists():
        shutil.copy(folder / "tokenizer.json", run)
    length = read_json(folder / "config.json")["n_positions"]
    vocabulary, parts = read_mix(mix or Path(pretraining.__file__).parent / "mixes" / "base.toml", data)
    pretraining.prepare(vocabulary, parts, run, vocabulary_size=0, length=length)


def measure(run: Path, limit: int | None = None) -> Figures:
    """Figures of KOGPT_BASE on the text packed in the folder `run`, at most `limit` blocks of each held-out group."""
    if not (run / "train.npz").is_file():
        raise KogptError(
            f"{run} has no packed text (train.npz). Give the folder of the data with --data, or that of a run "
            f"with --run."
        )
    base = settings.current().base
    folder = checkpoints.folder(base)
    _same_tokenizer(folder, run)
    found = {path.stem: Packed.load(path) for path in sorted((run / "heldout").glob("*.npz"))}
    whole = {group: packed for group, packed in found.items() if packed.characters}
    if not whole:
        raise KogptError(f"{run} has no held-out text: about 1 row in 50 is held out. Give more rows.")
    groups = {group: _first(packed, limit) for group, packed in whole.items()}
    model: Any = GPT2LMHeadModel.from_pretrained(str(folder), dtype=torch.float32)
    model.to(device()).eval()
    if any(packed.ids.shape[1] > model.config.n_positions for packed in groups.values()):
        raise KogptError(
            f"The text in {run} is packed in longer blocks than this base's context of "
            f"{model.config.n_positions} tokens."
        )
    vocabulary = Tokenizer(folder / "tokenizer.json").size
    baseline = {group: sum(blocks[:limit]) for group, blocks in _kneser_ney(run, whole, vocabulary).items()}
    bits = {group: float(_bits(model, packed)[counted(packed)].sum()) for group, packed in groups.items()}
    rows = {group: _row([packed], [bits[group]], [baseline[group]]) for group, packed in groups.items()}
    for name, together in ((" + ".join(_TOGETHER), _TOGETHER), ("all", tuple(groups))):
        if all(group in groups for group in together):
            rows[name] = _row(
                [groups[g] for g in together], [bits[g] for g in together], [baseline[g] for g in together]
            )
    return {
        "base": checkpoints.slug(base),
        "parameters": sum(p.numel() for p in model.parameters()),
        "tokens_the_run_has_seen": tokens_seen(run),
        "held_out": rows,
        "notes": _NOTES,
    }


def counted(packed: Packed) -> np.ndarray:
    """[blocks, length] bool: the target tokens, but for those at a block's start, which no model predicts."""
    mask = packed.counted.copy()
    mask[:, 0] = False
    return mask


def tokens_seen(run: Path) -> int | None:
    """Tokens that the run's last checkpoint has been trained on; None where that is not known."""
    checkpoint = get_last_checkpoint(str(run))
    if checkpoint is None:
        return None
    state = read_json(Path(checkpoint) / "trainer_state.json")
    length = read_json(Path(checkpoint) / "config.json")["n_positions"]
    return int(state["global_step"] * state["train_batch_size"] * length)


def _same_tokenizer(folder: Path, run: Path) -> None:
    ours, theirs = (
        json.loads((place / "tokenizer.json").read_text(encoding="utf-8"))["model"] for place in (folder, run)
    )
    if ours != theirs:
        raise CheckpointError(
            f"Checkpoint {folder.name!r} has another vocabulary than the text in {run}. Give --data and "
            f"another --run, and the text is packed anew."
        )


def _first(packed: Packed, limit: int | None) -> Packed:
    if limit is None or limit >= len(packed.ids):
        return packed
    share = packed.counted[:limit].sum() / packed.counted.sum()
    return Packed(packed.ids[:limit], packed.counted[:limit], round(packed.characters * share))


@torch.no_grad()
def _bits(model: Any, packed: Packed) -> np.ndarray:
    """[blocks, length] float64: bits of each token after those before it in its block; 0 for the first."""
    found = np.zeros(packed.ids.shape)
    for start in range(0, len(found), 4):
        ids = torch.from_numpy(packed.ids[start : start + 4].astype(np.int64)).to(model.device)
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[:, :-1].float()
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
        found[start : start + 4, 1:] = losses.cpu().numpy() / math.log(2)
    return found


def _row(packed: list[Packed], bits: list[float], baseline: list[float]) -> dict[str, Any]:
    tokens, characters = sum(int(counted(p).sum()) for p in packed), sum(p.characters for p in packed)
    ours, theirs = sum(bits), sum(baseline)
    return {
        "tokens": tokens,
        "characters": characters,
        "kneser_ney_bits": round(theirs / characters, 4),
        "bits": round(ours / characters, 4),
        "below_percent": round(100 * (1 - ours / theirs), 1),
        "kneser_ney_perplexity": round(2 ** (theirs / tokens), 1),
        "perplexity": round(2 ** (ours / tokens), 1),
    }


def _kneser_ney(run: Path, groups: dict[str, Packed], vocabulary: int) -> dict[str, list[float]]:
    """Bits of the counted tokens of each block of each group; kept in the run's folder, for counting takes minutes."""
    digest = hashlib.sha256((run / "train.npz").read_bytes() + Path(kneser_ney.__file__).read_bytes())
    for packed in groups.values():
        digest.update(packed.ids.tobytes() + packed.counted.tobytes())
    kept = run / f"kneser_ney-{digest.hexdigest()[:16]}.json"
    if kept.is_file():
        return read_json(kept)
    model = KneserNey(Stream.of_blocks(Packed.load(run / "train.npz").ids).without_repeats(), _ORDER, vocabulary)
    bits = {}
    for group, packed in groups.items():
        found = np.zeros(packed.ids.shape)
        found[packed.ids != PAD] = -np.log2(model.probabilities(Stream.of_blocks(packed.ids)))
        bits[group] = np.where(counted(packed), found, 0.0).sum(1).tolist()
    kept.write_text(json.dumps(bits), encoding="utf-8")
    return bits
