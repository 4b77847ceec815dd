"""Bases of other architectures: tiny random checkpoints on disk, beside transformers' own generate."""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from package_copy import run
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers import models as tokenizer_models
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from kogpt_funcs import models
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import Busy, CheckpointError
from kogpt_funcs.korean.text import last_sentence_end
from kogpt_funcs.models import Generation, Special, cache, gate
from kogpt_funcs.models.bases import backends, causal_model
from kogpt_funcs.models.tokenizers.pretrained import Vocabulary

SHAPES: dict[str, dict[str, int]] = {
    "gpt_neox": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128},
    "qwen2": {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 128,
    },
    "llama": {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 128,
    },
    "gptj": {"n_embd": 64, "n_layer": 2, "n_head": 4, "rotary_dim": 8, "n_positions": 256},
}
PROMPT = "어느 날 아침, 그는"
TEXT = [
    "어느 날 아침, 그는 낯선 편지 한 통을 받았다.",
    "비가 오는 날이면 할머니는 옛날이야기를 해 주셨다.",
    "The cat sat.",
] * 20


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One checkpoint an architecture, with a byte-level BPE of its own, as such models have."""
    place = tmp_path_factory.mktemp("bases")
    bpe = Tokenizer(tokenizer_models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        TEXT, trainers.BpeTrainer(vocab_size=400, special_tokens=["<|end|>", "<|other|>"], initial_alphabet=alphabet)
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|end|>", additional_special_tokens=["<|other|>"])
    for kind, shape in SHAPES.items():
        torch.manual_seed(0)
        config = AutoConfig.for_model(
            kind,
            **{"max_position_embeddings": 256, **shape},
            vocab_size=448,
            bos_token_id=0,
            eos_token_id=0,
            pad_token_id=0,
        )
        config.initializer_range = 0.2  # spread the logits, so that the likeliest token does not hang on rounding
        AutoModelForCausalLM.from_config(config).save_pretrained(str(place / kind))
        fast.save_pretrained(str(place / kind))
    return place


@pytest.fixture(params=SHAPES)
def base(bases: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    return use(bases / request.param, monkeypatch)


@pytest.fixture
def neox(bases: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return use(bases / "gpt_neox", monkeypatch)


def use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache, "_entries", {})
    settings.replace(base=str(folder))
    return folder


def write(prompt: str = PROMPT, **options: Any) -> list[models.Sample]:
    *_, last = backends.backend_for(settings.current().base)(Generation(prompt=[Special("<s>"), prompt], **options))
    return last


def test_greedy_equals_transformers_generate(base: Path) -> None:
    model: Any = AutoModelForCausalLM.from_pretrained(str(base), dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(str(base))
    ids = tokenizer(PROMPT, return_tensors="pt")
    # Nothing but text and the end may be chosen, here as there.
    never = [1, *range(len(tokenizer), 448)]
    made = model.generate(
        **ids, do_sample=False, max_new_tokens=24, min_new_tokens=24, suppress_tokens=never, pad_token_id=0
    )
    expected = tokenizer.decode(made[0, ids["input_ids"].shape[1] :])
    (sample,) = write(temperature=0.0, max_new_tokens=24, min_new_tokens=24)
    assert sample.finish_reason == "length"
    assert sample.text
    assert expected.replace("\ufffd", "").startswith(sample.text)
    assert "\ufffd" not in sample.text


def test_a_seed_repeats_and_samples_differ(base: Path) -> None:
    texts = [[s.text for s in write(num_samples=3, seed=seed, max_new_tokens=16)] for seed in (7, 7, 8)]
    assert texts[0] == texts[1] != texts[2]
    assert len(set(texts[0])) == 3


def test_requests_at_once_get_what_they_get_alone(base: Path) -> None:
    prompts = [PROMPT, "비가 오는 날이면", "The cat", "그는 낯선 편지를"]
    alone = [write(prompt, seed=1, max_new_tokens=16) for prompt in prompts]
    answers: dict[str, list[models.Sample]] = {}
    threads = [
        threading.Thread(target=lambda p=prompt: answers.update({p: write(p, seed=1, max_new_tokens=16)}))
        for prompt in prompts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers[prompt] for prompt in prompts] == alone
    (loaded,) = models.resident()["checkpoints"]
    assert (loaded["loads"], loaded["engine"]) == (1, "transformers")


@pytest.mark.parametrize("seed", range(3))
def test_text_ends_within_its_length(neox: Path, seed: int) -> None:
    (sample,) = write(seed=seed, max_new_tokens=24, end="sentence")
    assert sample.tokens <= 24
    if sample.finish_reason == "sentence_end":
        assert last_sentence_end(sample.text) == len(sample.text)


def test_the_rules_of_a_request_are_kept(neox: Path) -> None:
    (free,) = write(temperature=0.0, max_new_tokens=32, min_new_tokens=32)
    (ruled,) = write(temperature=0.0, max_new_tokens=32, min_new_tokens=32, no_repeat_ngram=2, repetition_penalty=1.5)
    assert free.text != ruled.text
    word = free.text.strip()[:1]
    assert word not in write(temperature=0.0, max_new_tokens=32, bad_words=(word,))[0].text[:1]
    stop = free.text[3:5]
    (stopped,) = write(temperature=0.0, max_new_tokens=32, min_new_tokens=32, stop=(stop,))
    assert stopped.finish_reason == "stop"
    assert stop not in stopped.text


def test_snapshots_grow_and_closing_cancels(base: Path) -> None:
    answers = backends.backend_for(settings.current().base)(
        Generation(prompt=[PROMPT], seed=1, max_new_tokens=200, min_new_tokens=200)
    )
    first, second = next(answers), next(answers)
    assert second[0].tokens >= first[0].tokens >= 1
    assert second[0].text.startswith(first[0].text)
    answers.close()  # type: ignore[attr-defined]
    assert gate._admitted == 0
    assert write(seed=1, max_new_tokens=8)[0].tokens <= 8


def test_a_cancelled_request_frees_its_place_in_the_batch(neox: Path) -> None:
    answers = [
        causal_model.generate(Generation(prompt=[PROMPT], seed=i, max_new_tokens=200, min_new_tokens=200))
        for i in range(4)
    ]
    for answer in answers:
        next(answer)
    with cache.using(str(neox), lambda: None) as model:  # type: ignore[arg-type, return-value]
        scheduler = model._batch._manager.batch_processor.scheduler
        assert scheduler.has_pending_requests()
        for answer in answers:
            answer.close()  # type: ignore[attr-defined]
        for _ in range(100):
            if not scheduler.has_pending_requests():
                break
            time.sleep(0.1)
        assert not scheduler.has_pending_requests()
        assert not model._batch._rules.rows


def test_a_prompt_longer_than_the_context_keeps_its_end(base: Path) -> None:
    options: dict[str, Any] = {"temperature": 0.0, "max_new_tokens": 16, "min_new_tokens": 16}
    fits = "아주 긴 글입니다. " * 40
    (sample,) = write("비가 오는 날이면 " * 40 + fits + PROMPT, **options)
    assert sample == write("The cat sat. " * 40 + fits + PROMPT, **options)[0]
    assert sample != write("비가 오는 날이면 " * 40 + fits + "The cat", **options)[0]


def test_a_request_that_fails_takes_nobody_with_it(base: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = causal_model.generate(Generation(prompt=[PROMPT], seed=1, max_new_tokens=100, min_new_tokens=100))
    next(other)
    with caplog.at_level(logging.CRITICAL), pytest.raises(RuntimeError, match="out of range"):
        write(temperature=0.5, top_k=-3, max_new_tokens=8)  # no function lets this through
    *_, (sample,) = other
    assert sample.finish_reason == "length"


def test_a_batch_that_broke_starts_again(neox: Path) -> None:
    write(seed=1, max_new_tokens=8)
    with cache.using(str(neox), lambda: None) as model:  # type: ignore[arg-type, return-value]
        model._batch._manager.stop(hard_stop=True)
        assert not model._batch._manager.is_running()
    assert write(seed=1, max_new_tokens=8)[0].tokens


def test_a_full_queue_is_busy(neox: Path) -> None:
    settings.replace(queue=1)
    first = causal_model.generate(Generation(prompt=[PROMPT]))
    next(first)
    with pytest.raises(Busy):
        write()
    first.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"prompt": [Special("<s>"), "안녕"], "adapter": "write_comment"}, "'gpt_neox' cannot run write_comment"),
        ({"prompt": [Special("<unused7>"), "안녕"]}, "does not know the special token <unused7>"),
    ],
)
def test_functions_that_need_special_tokens_say_so(neox: Path, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CheckpointError, match=sentence):
        list(causal_model.generate(Generation(**options)))


def test_weights_that_are_not_the_configs_are_refused(
    bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(bases / "llama", tmp_path / "mixed")
    shutil.copy(bases / "gptj" / "model.safetensors", tmp_path / "mixed")
    use(tmp_path / "mixed", monkeypatch)
    with pytest.raises(CheckpointError, match="architecture 'llama', but its weights do not"):
        write()


def test_the_command_writes_with_it_and_ends(neox: Path) -> None:
    done = run(
        "call",
        "continue_text",
        "--text",
        PROMPT,
        "--seed",
        "1",
        "--max-new-tokens",
        "8",
        environment={"KOGPT_BASE": str(neox)},
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["continuations"][0]["tokens"] <= 8


def test_text_survives_the_vocabulary(bases: Path) -> None:
    vocabulary = Vocabulary(bases / "llama", [0])
    for text in ("어느 날 아침", " 앞에 빈칸", "줄\n바꿈", "ㅋㅋㅋ 😀"):
        ids = vocabulary.encode(text)
        assert vocabulary.decode(ids) == text
        assert text.startswith(vocabulary.decode(ids[:-1]))
        assert "\ufffd" not in vocabulary.decode(ids[:-1])
    assert vocabulary.breaks_word[vocabulary.encode(" 아")[0]]
    assert not vocabulary.breaks_word[vocabulary.encode("a")[0]]
