"""Do the instruction sets of this machine give the same? Random models of both architectures, every set beside the
portable one.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, GPT2Config, GPT2LMHeadModel

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models.networks import kernels
from kogpt_funcs.models.networks.compiled import CompiledNetwork
from kogpt_funcs.models.networks.compiled_base import Compiled
from kogpt_funcs.models.networks.compiled_gemma import CompiledGemma
from kogpt_funcs.models.networks.kernels import building
from kogpt_funcs.models.networks.network import Work

#: How far logits may be from the portable library's, in parts of their spread: it lacks fused multiplication.
TOLERANCE = 1e-3


def check() -> Iterator[str]:
    """A sentence about each instruction set. Raises KogptError where one gives something else, or a rebuilt one
    does.
    """
    portable = kernels.loaded("portable")
    if portable is None:
        raise KogptError(
            "No compiled decoder: there is neither a library that ships for this machine nor a C compiler."
        )
    expected = logits(portable)
    for isa in kernels.available():
        yield _compare(isa, kernels.loaded(isa), expected)
    for isa in kernels.ISAS:
        if isa not in kernels.available():
            yield f"{isa}: this processor does not have it"
    if compiler := building.compiler():
        with tempfile.TemporaryDirectory() as place:
            for isa in kernels.available():
                yield _compare(f"{isa}, built again by {compiler}", _rebuilt(isa, Path(place), compiler), expected)


def logits(library: Any) -> torch.Tensor:
    """What `library` makes of a prompt, of its pieces beside others, and of adapters, with small random models."""
    torch.manual_seed(0)
    found = []
    for network, low_rank in ((_gpt2(library), _GPT2_PARTS), (_gemma(library), _GEMMA_PARTS)):
        pairs = [(torch.randn(8, inputs) / 20, torch.randn(outputs, 8) / 20) for inputs, outputs in low_rank * 2]
        adapter = network.adapter([*pairs])
        works = [Work(list(range(n, 2 * n + 5)), network.cache(), adapter if n % 2 else None) for n in range(1, 20)]
        found += [network.forward(works[:end], every=True).flatten() for end in (1, 3, 19)]
    return torch.cat(found)


_GPT2_PARTS = [(64, 192), (64, 64), (64, 256), (256, 64)]
_GEMMA_PARTS = [(64, 128), (64, 32), (64, 32), (128, 64), (64, 160), (64, 160), (160, 64)]


def _gpt2(library: Any) -> Compiled:
    config = GPT2Config(vocab_size=333, n_positions=64, n_embd=64, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=1)
    return CompiledNetwork(GPT2LMHeadModel(config), library)


def _gemma(library: Any) -> Compiled:
    config = Gemma3TextConfig(
        vocab_size=333,
        hidden_size=64,
        intermediate_size=160,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=32,
        query_pre_attn_scalar=32,
        sliding_window=9,
        layer_types=["sliding_attention", "full_attention"],
        max_position_embeddings=128,
        pad_token_id=0,
    )
    return CompiledGemma(Gemma3ForCausalLM(config), library)


def _compare(name: str, library: Any, expected: torch.Tensor) -> str:
    apart = float((logits(library) - expected).abs().max() / expected.std())
    if apart > TOLERANCE:
        raise KogptError(
            f"{name}: logits differ from the portable library's by {apart:.2g} of their spread. Report the "
            f"processor, please."
        )
    return f"{name}: " + (
        "the same, bit for bit" if apart == 0 else f"the same within {apart:.2g} of the logits' spread"
    )


def _rebuilt(isa: str, place: Path, compiler: str) -> Any:
    path = place / building.name_of(isa)
    building.build(isa, path, compiler)
    library: Any = ctypes.CDLL(str(path))
    library.start_threads(1)
    return library
