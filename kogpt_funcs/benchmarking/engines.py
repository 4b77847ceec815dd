"""The engines that run inside a process: each loads one checkpoint and writes greedily to full length, as its users
would run it.
"""

from __future__ import annotations

import math
import os
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kogpt_funcs.benchmarking import limits
from kogpt_funcs.benchmarking.documents import Document
from kogpt_funcs.benchmarking.prompts import Prompt
from kogpt_funcs.contract import settings


class Engine(ABC):
    """A checkpoint in memory, ready to write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def write(self, prompts: Sequence[Prompt], new: int) -> int:
        """Continues the prompts side by side, each by `new` tokens. The answer: how many tokens were made."""

    def bits(self, documents: Sequence[Document]) -> float:
        """How many bits its weights need for the counted ids of `documents`."""
        raise NotImplementedError(f"{type(self).__name__} is not asked for bits")

    def limits(self) -> dict[str, float]:
        """What the processor allows with its weights; see limits.limits."""
        raise NotImplementedError(f"{type(self).__name__} is not asked for limits")

    def contexts(self, streams: int) -> dict[str, float]:
        """What a step of so many streams takes after how many tokens; see limits.contexts."""
        raise NotImplementedError(f"{type(self).__name__} is not asked for contexts")

    def profile(self, prompts: Sequence[Prompt], new: int) -> dict[str, float]:
        """Where `write`'s time goes; see limits.profile."""
        raise NotImplementedError(f"{type(self).__name__} is not asked for a profile")


class Transformers(Engine):
    """`model.generate` on a left-padded batch, fp32 on a CPU and bf16 on a GPU."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import torch
        from transformers import AutoModelForCausalLM

        self.device = torch.device(_device())
        dtype = torch.float32 if self.device.type == "cpu" else torch.bfloat16
        model: Any = AutoModelForCausalLM.from_pretrained(str(folder), dtype=dtype)
        self.model = model.to(self.device).eval()

    def write(self, prompts: Sequence[Prompt], new: int) -> int:
        import torch

        longest = max(len(prompt.ids) for prompt in prompts)
        pad = self.model.config.pad_token_id
        ids = torch.tensor([[pad] * (longest - len(p.ids)) + p.ids for p in prompts], device=self.device)
        mask = torch.tensor([[0] * (longest - len(p.ids)) + [1] * len(p.ids) for p in prompts], device=self.device)
        made = self.model.generate(
            ids, attention_mask=mask, max_new_tokens=new, min_new_tokens=new, do_sample=False, pad_token_id=pad
        )
        return int(made[:, longest:].numel())

    def bits(self, documents: Sequence[Document]) -> float:
        import torch

        with torch.inference_mode():
            return sum(_bits(self.model(torch.tensor([d.ids], device=self.device)).logits[0], d) for d in documents)


class ContinuousBatching(Transformers):
    """transformers' continuous batching (`generate_batch`), its cache sized for the load: by default it takes 60 % of
    the memory.
    """

    def write(self, prompts: Sequence[Prompt], new: int) -> int:
        from transformers import ContinuousBatchingConfig, GenerationConfig

        pages = ContinuousBatchingConfig(
            num_blocks=3 * len(prompts) + 2, max_batch_tokens=sum(len(prompt.ids) for prompt in prompts)
        )
        config = GenerationConfig(
            max_new_tokens=new, do_sample=False, eos_token_id=-1, pad_token_id=self.model.config.pad_token_id
        )
        answers = self.model.generate_batch(
            [prompt.ids for prompt in prompts],
            generation_config=config,
            continuous_batching_config=pages,
            persistent_manager=True,
        )
        return sum(len(answer.generated_tokens) for answer in answers.values())


class CTranslate2(Engine):
    """CTranslate2 with int8 weights (int8_float16 on a GPU), converted into a temporary folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import ctranslate2
        from ctranslate2.converters import TransformersConverter

        on_gpu = _device().startswith("cuda")
        with tempfile.TemporaryDirectory() as place:
            converted = TransformersConverter(str(folder)).convert(f"{place}/model", quantization="int8")
            self.generator = ctranslate2.Generator(
                converted,
                device="cuda" if on_gpu else "cpu",
                compute_type="int8_float16" if on_gpu else "int8",
                intra_threads=threads(),
            )
        from tokenizers import Tokenizer

        self.pieces = Tokenizer.from_file(str(folder / "tokenizer.json")).id_to_token

    def write(self, prompts: Sequence[Prompt], new: int) -> int:
        tokens = [[self.pieces(i) for i in prompt.ids] for prompt in prompts]
        answers = self.generator.generate_batch(
            tokens, max_length=new, min_length=new, sampling_topk=1, beam_size=1, include_prompt_in_result=False
        )
        return sum(len(answer.sequences_ids[0]) for answer in answers)


class Ours(Engine):
    """`kogpt_funcs.models.generate`, a thread a prompt."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        settings.replace(base=str(folder))

    def write(self, prompts: Sequence[Prompt], new: int) -> int:
        made = [0] * len(prompts)

        def one(i: int) -> None:
            made[i] = self._write(prompts[i], new)

        workers = [threading.Thread(target=one, args=(i,)) for i in range(1, len(prompts))]
        for worker in workers:
            worker.start()
        one(0)
        for worker in workers:
            worker.join()
        return sum(made)

    def _write(self, prompt: Prompt, new: int) -> int:
        from kogpt_funcs import models
        from kogpt_funcs.models import Generation, Special

        request = Generation(
            prompt=[Special("<s>"), prompt.text],
            temperature=0.0,
            top_k=0,
            top_p=1.0,
            min_new_tokens=new,
            max_new_tokens=new,
        )
        *_, (sample,) = models.generate(request)
        # What reached its length was computed whole; an unfinished last word is only cut from the answer.
        return new if sample.finish_reason == "length" else sample.tokens

    def limits(self) -> dict[str, float]:
        return limits.limits(self._model.network)

    def contexts(self, streams: int) -> dict[str, float]:
        return limits.contexts(self._model.network, self._model.shape.context, streams)

    def profile(self, prompts: Sequence[Prompt], new: int) -> dict[str, float]:
        return limits.profile(self._model.network, lambda: self.write(prompts, new))

    @property
    def _model(self) -> Any:
        from kogpt_funcs.models import cache
        from kogpt_funcs.models.bases.language_model import LanguageModel

        base = str(self.folder)
        with cache.using(base, lambda: LanguageModel(base)) as model:
            return model

    def bits(self, documents: Sequence[Document]) -> float:
        from kogpt_funcs.models.bases.language_model import LanguageModel
        from kogpt_funcs.models.networks.network import Work

        network = LanguageModel(str(self.folder)).network
        return sum(_bits(network.forward([Work(d.ids, network.cache(), None)], every=True), d) for d in documents)


def threads() -> int:
    """Threads for an engine that does not choose by itself: OMP_NUM_THREADS, or the cores this process may use."""
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))


def _bits(logits: Any, document: Document) -> float:
    """Bits of the counted ids of a document, from logits [ids, vocabulary]."""
    import torch

    chances = logits[:-1].float().cpu().log_softmax(-1)
    found = chances.gather(1, torch.tensor(document.ids[1:])[:, None])[:, 0]
    return float(-found[torch.tensor(document.counted[1:])].double().sum()) / math.log(2)


def _device() -> str:
    import torch

    name = settings.current().device
    return name if name != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
