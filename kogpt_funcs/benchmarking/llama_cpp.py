"""llama.cpp with q8_0 weights, by the prebuilt wheel of xllamacpp: its own server's batching, called in process."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kogpt_funcs.benchmarking.engines import Engine, threads
from kogpt_funcs.benchmarking.llama_files import write_gguf
from kogpt_funcs.benchmarking.prompts import Prompt

_AT_ONCE = 16  # requests that share its batch; more wait


class LlamaCpp(Engine):
    """Matrices in q8_0, norms and biases in fp32. Prompts go in as ids; the file's vocabulary is numbers, since no
    text is read from it.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import xllamacpp

        self._place = tempfile.TemporaryDirectory()
        file = Path(self._place.name) / "model.gguf"
        context = write_gguf(folder, file)
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(file)
        parameters.n_parallel = _AT_ONCE
        parameters.n_ctx = _AT_ONCE * min(context, 512)
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads()
        parameters.verbosity = -1
        self.server = xllamacpp.Server(parameters)

    def write(self, prompts: Sequence[Prompt], new: int) -> int:
        with ThreadPoolExecutor(len(prompts)) as askers:
            return sum(askers.map(lambda prompt: self._write(prompt, new), prompts))

    def _write(self, prompt: Prompt, new: int) -> int:
        answer = self.server.handle_completions(
            {"prompt": prompt.ids, "max_tokens": new, "temperature": 0, "ignore_eos": True, "cache_prompt": False}
        )
        return int(answer["usage"]["completion_tokens"])
