"""Reading labels off many short texts with KoBERT's shape: ours beside the transformers pipeline, in one process."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kogpt_funcs.contract import registry
from kogpt_funcs.models.bases import checkpoints

#: What skt/kobert-base-v1 has in its config.json, as far as speed depends on it, the vocabulary apart.
KOBERT = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "num_labels": 6,
}


def measure_classifier(
    count: int = 64, repeats: int = 3, tell: Callable[[str], None] = print, **smaller: int
) -> dict[str, Any]:
    """Median seconds for `count` texts with random weights, turn about: the pipeline as it comes and in one batch,
    ours, ours asked by threads.

    `ratio` is the pipeline's time over ours, `ratio_batched` that of the pipeline given the whole batch; `smaller`
    replaces parts of the shape.
    """
    texts = short_texts(count)
    with tempfile.TemporaryDirectory() as place:
        folder = kobert(Path(place) / "kobert", **smaller)
        ways, tokens, size = _ways(folder, texts)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(-1, repeats):  # the first turn warms up
            for name, way in ways.items():
                tell(f"classifier, {name}: " + ("warm-up" if turn < 0 else f"{turn + 1} of {repeats}"))
                started = time.perf_counter()
                way()
                if turn >= 0:
                    seconds[name].append(time.perf_counter() - started)
    middle = {name: statistics.median(found) for name, found in seconds.items()}
    return {
        "texts": count,
        "tokens": tokens,
        "weights_mb": round(size / 1e6, 1),
        "seconds": {name: round(value, 4) for name, value in middle.items()},
        "ratio": round(middle["pipeline"] / middle["ours"], 2),
        "ratio_batched": round(middle["pipeline, one batch"] / middle["ours"], 2),
    }


def _ways(folder: Path, texts: list[str]) -> tuple[dict[str, Callable[[], Any]], int, int]:
    """What is measured by its name; the number of tokens in all; the bytes of our weights."""
    from transformers import pipeline

    from kogpt_funcs.models.classifier.classifier import Classifier

    ours = Classifier(str(folder))
    pipe: Any = pipeline("text-classification", model=str(folder), device=ours.device, top_k=None)
    threads = ThreadPoolExecutor(len(texts))
    ways: dict[str, Callable[[], Any]] = {
        "pipeline": lambda: pipe(texts),
        "pipeline, one batch": lambda: pipe(texts, batch_size=len(texts)),
        "ours": lambda: ours(texts),
        "ours, a thread a text": lambda: list(threads.map(lambda text: ours([text]), texts)),
    }
    return ways, sum(len(ours.encoder.encode(text)) for text in texts), ours.bytes


def short_texts(count: int) -> list[str]:
    """Texts of one to four sentences, as comments are, from the functions' own examples."""
    rng = random.Random(0)
    said = [
        text
        for function in registry.functions().values()
        for example in function.examples
        for text in example.values()
        if isinstance(text, str)
    ]
    return [" ".join(rng.choices(said, k=rng.randint(1, 4))) for _ in range(count)]


def kobert(out: Path, **smaller: int) -> Path:
    """Writes a checkpoint of KoBERT's shape into `out`: random weights of seed 0, and the shipped base's tokenizer."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(checkpoints.folder("small") / "tokenizer.json"),
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=512,
    )
    tokenizer.save_pretrained(out)
    torch.manual_seed(0)
    shape: dict[str, Any] = {**KOBERT, **smaller}
    config = BertConfig(**shape, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    BertForSequenceClassification(config).save_pretrained(out)
    return out
