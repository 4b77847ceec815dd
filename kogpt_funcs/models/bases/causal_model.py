"""Bases of other architectures (Polyglot-Ko, KoGPT 6B, Qwen, Llama …): plain text continued by whatever transformers
loads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import torch
from transformers import DynamicCache

from kogpt_funcs.contract import settings
from kogpt_funcs.models import cache
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.bases.continuous import Batch, Row, advance
from kogpt_funcs.models.bases.loading import device, load
from kogpt_funcs.models.bases.plain import plain_text
from kogpt_funcs.models.decoder.endings import Ending
from kogpt_funcs.models.decoder.faults import busy_if_out_of_memory
from kogpt_funcs.models.decoder.sampling import Choice
from kogpt_funcs.models.gate import admitted
from kogpt_funcs.models.prompt import Generation, Measure, Prompt, Sample
from kogpt_funcs.models.tokenizers.pretrained import Vocabulary


def generate(request: Generation) -> Iterator[list[Sample]]:
    """Snapshots of the samples as they grow; the last one is complete. Closing it cancels the request.

    Raises Busy, or CheckpointError where the prompt is more than plain text or the checkpoint cannot be loaded.
    """
    base = settings.current().base
    text = plain_text(request, checkpoints.slug(base))
    with admitted(), cache.using(base, lambda: CausalModel(base)) as model:
        yield from model.generate(request, text)


def measure(prompt: Prompt, adapter: str | None) -> Measure:
    """How many tokens the text of `prompt` has."""
    base = settings.current().base
    text = "".join(piece for piece in prompt if isinstance(piece, str))
    with cache.using(base, lambda: CausalModel(base)) as model:
        return Measure(len(model.vocabulary.encode(text)), model.context)


class CausalModel(cache.Loaded):
    """A language model of any architecture that transformers knows, its tokenizer, and the batch that its requests
    share.

    Architectures without transformers' attention interface, such as GPT-J, cannot join a continuous batch: their
    requests take turns at each token instead.
    """

    def __init__(self, name: str) -> None:
        folder = checkpoints.folder(name)
        self.device = device()
        self.model = load(folder, torch.float32 if self.device.type == "cpu" else torch.bfloat16).to(self.device)
        ends = self.model.generation_config.eos_token_id
        self.vocabulary = Vocabulary(folder, ends if isinstance(ends, list) else [ends])
        self.context = int(self.model.config.get_text_config().max_position_embeddings)
        self._turn = threading.Lock()
        self._batch = Batch(self.model, self.vocabulary) if self.model._supports_attention_backend else None

    @property
    def details(self) -> dict[str, Any]:
        return {
            "device": str(self.device),
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "engine": "transformers",
        }

    def close(self) -> None:
        if self._batch:
            self._batch.close()

    def generate(self, request: Generation, text: str) -> Iterator[list[Sample]]:
        """Snapshots of the samples of `request`, which continue `text`."""
        prompt = self.vocabulary.encode(text)[-max(1, self.context - request.max_new_tokens - 1) :]
        rows = [
            Row(Choice.of(request, i, prompt, self.vocabulary), Ending(request, self.vocabulary))
            for i in range(request.num_samples)
        ]
        try:
            yield from self._batch.run(prompt, rows) if self._batch else self._take_turns(prompt, rows)
        except Exception as error:
            raise busy_if_out_of_memory(error) from error

    def _take_turns(self, prompt: list[int], rows: list[Row]) -> Iterator[list[Sample]]:
        kv = DynamicCache(config=self.model.config)
        ids = torch.tensor([self.vocabulary.own(prompt)] * len(rows))
        while True:
            with self._turn, torch.inference_mode():
                logits = self.model(input_ids=ids.to(self.device), past_key_values=kv, use_cache=True).logits[:, -1]
            alive = [i for i, row in enumerate(rows) if not row.over]
            advance([rows[i] for i in alive], self.vocabulary.arrange(logits[alive]))
            yield [row.sample for row in rows]
            if all(row.over for row in rows):
                return
            ids = torch.tensor([self.vocabulary.own(row.choice.ids[-1:] or prompt[-1:]) for row in rows])
