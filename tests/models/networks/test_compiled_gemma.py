"""Gemma 3 in C beside transformers and PEFT: logits, windows, adapters, and that a sequence's answer is its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

from kogpt_funcs.models.networks.compiled_gemma import CompiledGemma
from kogpt_funcs.models.networks.kernels import library
from kogpt_funcs.models.networks.network import Adapter, Work

pytestmark = pytest.mark.skipif(library() is None, reason="no library for this machine")
PARTS = (
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
)
SHAPE = {
    "vocab_size": 333,
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "head_dim": 64,
    "query_pre_attn_scalar": 64,
    "sliding_window": 16,
    "pad_token_id": 0,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    "max_position_embeddings": 4096,
}


@pytest.fixture(scope="module")
def model() -> Gemma3ForCausalLM:
    torch.manual_seed(0)
    made = Gemma3ForCausalLM(Gemma3TextConfig(**SHAPE)).eval()
    with torch.no_grad():
        for name, weight in made.named_parameters():
            weight.normal_(std=0.1 if "norm" in name else 0.15)
    return made


@pytest.fixture(scope="module")
def network(model: Gemma3ForCausalLM) -> CompiledGemma:
    assert CompiledGemma.fits(model.config)
    return CompiledGemma(model)


def expected_of(model: torch.nn.Module, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits[0]


def close(found: torch.Tensor, expected: torch.Tensor) -> bool:
    """As near as int8 comes: the root of the mean square, in parts of the logits' spread."""
    return float((found - expected).pow(2).mean().sqrt() / expected.std()) < 0.04


def words(count: int, seed: int = 0) -> list[int]:
    return torch.randint(1, 333, (count,), generator=torch.Generator().manual_seed(seed)).tolist()


@pytest.mark.parametrize("length", [1, 16, 17, 150])
def test_logits_are_those_of_transformers(model: Gemma3ForCausalLM, network: CompiledGemma, length: int) -> None:
    """Within the window, at its edge, and far beyond it."""
    found = network.forward([Work(words(length), network.cache(), None)], every=True)
    assert close(found, expected_of(model, words(length)))


def test_the_window_and_the_positions_matter(model: Gemma3ForCausalLM, network: CompiledGemma) -> None:
    """Otherwise the test above could not fail."""
    other = Gemma3ForCausalLM(Gemma3TextConfig(**{**SHAPE, "sliding_window": 12})).eval()
    other.load_state_dict(model.state_dict())
    found = network.forward([Work(words(150), network.cache(), None)], every=True)
    assert not close(found[-1], expected_of(other, words(150))[-1])


def test_positions_beyond_the_first_table(model: Gemma3ForCausalLM) -> None:
    network = CompiledGemma(model)
    found = network.forward([Work(words(1100), network.cache(), None)])
    assert close(found[0], expected_of(model, words(1100))[-1])


def test_a_sequence_gets_the_same_in_any_company(network: CompiledGemma) -> None:
    alone = [network.forward([Work(words(20 + i, i), network.cache(), None)]) for i in range(17)]
    together = network.forward([Work(words(20 + i, i), network.cache(), None) for i in range(17)])
    assert torch.equal(torch.cat(alone), together)
    cache = network.cache()
    for token in words(36, 16):
        step = network.forward([Work([token], cache, None), Work(words(5), network.cache(), None)])
    assert torch.equal(step[0], together[16])


def test_a_copied_cache_goes_on_by_itself(network: CompiledGemma) -> None:
    cache = network.cache()
    network.forward([Work(words(70), cache, None)])
    copy = cache.copy(40)
    found = network.forward([Work(words(70)[40:], copy, None)])
    assert torch.equal(found, network.forward([Work(words(70), network.cache(), None)]))


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing`:FutureWarning"
)  # PEFT asks transformers by the old name
def test_adapters_are_peft_s(model: Gemma3ForCausalLM, network: CompiledGemma, tmp_path: Path) -> None:
    """One of rank 5, which fills no register, beside one of rank 8 and none, in one pass."""
    from peft import LoraConfig, get_peft_model

    works, expected = [Work(words(30, 3), network.cache(), None)], [expected_of(model, words(30, 3))[-1]]
    for rank in (5, 8):
        copy = Gemma3ForCausalLM(model.config).eval()
        copy.load_state_dict(model.state_dict())
        tuned = get_peft_model(
            copy, LoraConfig(r=rank, lora_alpha=rank, target_modules=[part.split(".")[1] for part in PARTS])
        )
        pairs: Adapter = []
        for layer in tuned.base_model.model.model.layers:
            for part in PARTS:
                module = layer.get_submodule(part)
                down, up = (torch.randn_like(module.get_submodule(f"lora_{side}.default").weight) / 8 for side in "AB")
                module.lora_A.default.weight.data, module.lora_B.default.weight.data = down, up
                pairs.append((down, up))
        works.append(Work(words(30, rank), network.cache(), network.adapter(pairs)))
        expected.append(expected_of(tuned, words(30, rank))[-1])
        assert not close(expected_of(model, words(30, rank))[-1], expected[-1])
    found = network.forward(works)
    assert all(close(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    "options",
    [
        {"attn_logit_softcapping": 50.0},
        {"hidden_activation": "relu"},
        {"hidden_size": 144},
        {"tie_word_embeddings": False},
    ],
    ids=str,
)
def test_shapes_it_does_not_run(options: dict[str, object]) -> None:
    assert not CompiledGemma.fits(Gemma3TextConfig(**{**SHAPE, **options}))
