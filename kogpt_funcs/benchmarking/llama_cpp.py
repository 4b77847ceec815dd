"""llama.cpp with q8_0 weights, by the prebuilt wheel of xllamacpp: its own server's batching, called in process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from kogpt_funcs.benchmarking.engines import Engine, threads
from kogpt_funcs.benchmarking.prompts import Prompt

_AT_ONCE = 16  # requests that share its batch; more wait
_PARTS = {"attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}
_NORMS = {"ln_1": "attn_norm", "ln_2": "ffn_norm"}


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


def write_gguf(folder: Path, file: Path) -> int:
    """Writes the GPT-2 checkpoint in `folder` as GGUF; returns its context in tokens."""
    import gguf
    import torch
    from transformers import GPT2LMHeadModel

    model: Any = GPT2LMHeadModel.from_pretrained(str(folder), dtype=torch.float32)
    config = model.config
    writer = gguf.GGUFWriter(str(file), "gpt2")
    writer.add_block_count(config.n_layer)
    writer.add_context_length(config.n_positions)
    writer.add_embedding_length(config.n_embd)
    writer.add_feed_forward_length(config.n_inner or 4 * config.n_embd)
    writer.add_head_count(config.n_head)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([f"t{i}" for i in range(config.vocab_size)])
    writer.add_token_types([gguf.TokenType.NORMAL] * config.vocab_size)
    writer.add_token_merges(["t 0"])
    writer.add_eos_token_id(config.eos_token_id)
    for name, values in _tensors(model.transformer):
        if values.ndim == 2 and not name.startswith("position"):
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return int(config.n_positions)


def _tensors(body: Any) -> Iterator[tuple[str, np.ndarray]]:
    """llama.cpp's names, and the values row by row of outputs."""
    yield "token_embd.weight", body.wte.weight.detach().numpy()
    yield "position_embd.weight", body.wpe.weight.detach().numpy()
    for i, block in enumerate(body.h):
        for ours, theirs in (_NORMS | _PARTS).items():
            module = block.get_submodule(ours)
            weight = module.weight.detach().T if ours in _PARTS else module.weight.detach()
            yield f"blk.{i}.{theirs}.weight", weight.contiguous().numpy()
            yield f"blk.{i}.{theirs}.bias", module.bias.detach().numpy()
    for side in ("weight", "bias"):
        yield f"output_norm.{side}", getattr(body.ln_f, side).detach().numpy()
