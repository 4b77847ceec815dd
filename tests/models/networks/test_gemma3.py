"""Gemma 3 in torch is transformers' Gemma 3, token for token: beyond its window, beside strangers, with and without
adapters.
"""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

from kogpt_funcs.models.bases import gemma
from kogpt_funcs.models.bases.gemma import parts
from kogpt_funcs.models.bases.loading import load
from kogpt_funcs.models.networks.adapters import read_adapter
from kogpt_funcs.models.networks.gemma3 import ARCHITECTURE
from kogpt_funcs.models.networks.network import Network, Work

CPU = torch.device("cpu")
needs_gemma = pytest.mark.skipif(not parts.installed(), reason="Gemma's packages are not installed")


@pytest.fixture(scope="module")
def tiny() -> Any:
    """Seven layers, the sixth of which sees everything; the others see eight tokens."""
    torch.manual_seed(3)
    kinds = ["full_attention" if i % 6 == 5 else "sliding_attention" for i in range(7)]
    config = Gemma3TextConfig(
        vocab_size=300,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=7,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=32,
        query_pre_attn_scalar=32,
        sliding_window=8,
        layer_types=kinds,
        max_position_embeddings=512,
    )
    model = Gemma3ForCausalLM(config).eval()
    for name, weight in model.named_parameters():
        torch.nn.init.normal_(weight, std=0.02 if "norm" not in name else 0.3)
    return model


@pytest.fixture(scope="module")
def adapted(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """The same with an adapter on all seven matrices, and the folder that PEFT writes."""
    folder = tmp_path_factory.mktemp("adapter")
    config = LoraConfig(r=4, lora_alpha=8, target_modules=ARCHITECTURE.targets, task_type="CAUSAL_LM")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PEFT asks transformers in words that are going out
        model = get_peft_model(copy.deepcopy(tiny), config)
    for name, weight in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(str(folder))
    return model.eval(), folder


def greedy(network: Network, prompts: list[list[int]], adapters: list[Any], new: int) -> list[list[int]]:
    """`new` tokens for each prompt, all in one batch; the prompts are read in pieces of five tokens."""
    caches = [network.cache() for _ in prompts]
    written: list[list[int]] = [[] for _ in prompts]
    last: dict[int, torch.Tensor] = {}
    for start in range(0, max(map(len, prompts)), 5):
        at = [i for i, prompt in enumerate(prompts) if start < len(prompt)]
        logits = network.forward([Work(prompts[i][start : start + 5], caches[i], adapters[i]) for i in at])
        last |= dict(zip(at, logits, strict=True))
    for step in range(new):
        for i in range(len(prompts)):
            written[i].append(int(last[i].argmax()))
        if step < new - 1:
            logits = network.forward([Work(written[i][-1:], caches[i], adapters[i]) for i in range(len(prompts))])
            last = dict(enumerate(logits))
    return written


def expected(model: Any, prompt: list[int], new: int) -> list[int]:
    with torch.no_grad():
        ids = model.generate(
            input_ids=torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=new,
            min_new_tokens=new,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )
    return ids[0, len(prompt) :].tolist()


def greediest(model: Any, prompt: list[int], written: list[int]) -> list[int]:
    """What transformers finds likeliest at each place of `written`, in one pass: `written` itself if it is greedy."""
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([prompt + written])).logits[0]
    return logits[len(prompt) - 1 : -1].argmax(-1).tolist()


def prompts_of(count: int, longest: int, vocabulary: int) -> list[list[int]]:
    draw = torch.Generator().manual_seed(1)
    lengths = torch.randint(1, longest, (count,), generator=draw).tolist()
    return [torch.randint(3, vocabulary, (n,), generator=draw).tolist() for n in lengths]


def test_fifty_prompts_of_two_hundred_tokens(tiny: Any, adapted: tuple[Any, Path]) -> None:
    """In one batch, by turns with and without the adapter, most of it beyond the window of eight tokens."""
    model, folder = adapted
    network = ARCHITECTURE.network(tiny, "fp32", CPU)
    table = network.adapter(read_adapter(folder, ARCHITECTURE, 7))
    prompts = prompts_of(50, 40, 300)
    found = greedy(network, prompts, [table if i % 2 else None for i in range(50)], 200)
    for i, prompt in enumerate(prompts):
        assert len(found[i]) == 200
        assert found[i] == greediest(model if i % 2 else tiny, prompt, found[i]), f"prompt {i}"
    for i in (0, 1):
        assert found[i] == expected(model if i % 2 else tiny, prompts[i], 200), f"prompt {i}"


def test_the_window_bites(tiny: Any) -> None:
    """What lies further back than every window still counts, through the one layer that sees it."""
    network = ARCHITECTURE.network(tiny, "fp32", CPU)
    (prompt,) = prompts_of(1, 2, 300)
    long = [7, *prompt * 60]
    one, other = (network.forward([Work([first, *long[1:]], network.cache(), None)]) for first in (7, 9))
    assert not torch.equal(one, other)


@pytest.mark.parametrize("dtype", ["int8", "bf16"])
def test_fewer_bits_stay_near(tiny: Any, dtype: str) -> None:
    (prompt,) = prompts_of(1, 60, 300)
    exact, near = (
        ARCHITECTURE.network(tiny, kind, CPU).forward([Work(prompt, cache, None)], every=True)
        for kind in ("fp32", dtype)
        for cache in [ARCHITECTURE.network(tiny, kind, CPU).cache()]
    )
    assert float((near - exact).norm() / exact.norm()) < 0.08


def test_targets_are_what_peft_finds(tiny: Any, adapted: tuple[Any, Path]) -> None:
    model, folder = adapted
    assert isinstance(model, PeftModel)
    assert len([pair for pair in read_adapter(folder, ARCHITECTURE, 7) if pair]) == 7 * len(ARCHITECTURE.parts)


@needs_gemma
def test_the_real_one_beyond_its_window() -> None:
    """750 tokens of context and a short stranger, twenty tokens each, as transformers writes them."""
    model = load(gemma.prepared())
    network = ARCHITECTURE.network(model, "fp32", CPU)
    prompts = [[2, *prompts_of(1, 2, 14_000)[0] * 3, *range(2000, 2746)], [2, 3000, 3001]]
    assert greedy_at_once(network, prompts, 20) == [expected(model, prompt, 20) for prompt in prompts]


def greedy_at_once(network: Network, prompts: list[list[int]], new: int) -> list[list[int]]:
    caches = [network.cache() for _ in prompts]
    logits = network.forward([Work(prompt, cache, None) for prompt, cache in zip(prompts, caches, strict=True)])
    written = [[int(row.argmax())] for row in logits]
    for _ in range(new - 1):
        logits = network.forward([Work(ids[-1:], cache, None) for ids, cache in zip(written, caches, strict=True)])
        for ids, row in zip(written, logits, strict=True):
            ids.append(int(row.argmax()))
    return written
