"""Classifiers of several families, tiny and real, saved to disk: what they read, and that many readers share
batches.
"""

from __future__ import annotations

import gc
import json
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
from tokenizers import Tokenizer as FastTokenizer
from tokenizers import models as token_models
from tokenizers import pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from kogpt_funcs import models
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models import cache
from kogpt_funcs.models.classifier import classifier
from kogpt_funcs.models.classifier.batching import Batches
from kogpt_funcs.models.classifier.classifier import Classifier
from kogpt_funcs.models.networks.quantization import row_scaled_runs

INT8 = pytest.mark.skipif(not row_scaled_runs(), reason="torch's int8 products overflow on a processor without VNNI")

TEXTS = ["한국어 모델을 공유합니다.", "너무 무서워", "고마워요! " * 12, "ㅋㅋㅋ", "시험에 합격했다", "비가 온다 " * 40]
SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "num_labels": 3,
}
LABELS = {"id2label": {0: "가", 1: "나", 2: "다"}, "label2id": {"가": 0, "나": 1, "다": 2}}


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_entries", {})


@pytest.fixture(scope="module")
def kobert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """KoBERT in small: its special tokens at its ids, its file names, its SentencePiece model."""
    folder = tmp_path_factory.mktemp("checkpoints") / "kobert"
    folder.mkdir()
    (folder / "text").write_text("\n".join(TEXTS * 3), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text"),
        model_prefix=str(folder / "spiece"),
        vocab_size=90,
        model_type="unigram",
        hard_vocab_limit=False,
        unk_id=0,
        unk_piece="[UNK]",
        pad_id=1,
        pad_piece="[PAD]",
        bos_id=-1,
        eos_id=-1,
        control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        minloglevel=2,
    )
    torch.manual_seed(0)
    config = BertConfig(vocab_size=96, pad_token_id=1, max_position_embeddings=64, **SHAPE, **LABELS)
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RoBERTa with a tokenizer of its own, as somebody's hub repository has it."""
    folder = tmp_path_factory.mktemp("checkpoints") / "roberta"
    fast = FastTokenizer(token_models.WordPiece(unk_token="<unk>"))
    fast.pre_tokenizer = pre_tokenizers.Whitespace()
    fast.train_from_iterator(
        TEXTS, trainers.WordPieceTrainer(vocab_size=80, special_tokens=["<s>", "<pad>", "</s>", "<unk>"])
    )
    PreTrainedTokenizerFast(tokenizer_object=fast, pad_token="<pad>", unk_token="<unk>").save_pretrained(folder)
    torch.manual_seed(0)
    config = RobertaConfig(vocab_size=100, pad_token_id=1, max_position_embeddings=40, **SHAPE, **LABELS)
    RobertaForSequenceClassification(config).save_pretrained(folder)
    return folder


def close(one: dict[str, dict[str, float]], other: dict[str, dict[str, float]]) -> bool:
    # A number at the edge between two int8 steps may fall to either side: attention sums in another order in another
    # batch.
    return all(abs(one[group][label] - other[group][label]) < 1e-3 for group in one for label in one[group])


@pytest.mark.parametrize("family", ["kobert", "roberta", "shipped"])
def test_a_text_reads_the_same_alone_and_beside_longer_ones(family: str, request: pytest.FixtureRequest) -> None:
    name = "classify_emotion" if family == "shipped" else str(request.getfixturevalue(family))
    together = models.classify(TEXTS, name)
    for text, read in zip(TEXTS, together, strict=True):
        assert close(models.classify([text], name)[0], read)
    for read in together:
        for group in read.values():
            assert all(0 <= probability <= 1 for probability in group.values())
    assert sum(together[0]["six" if family == "shipped" else "labels"].values()) == pytest.approx(1, abs=1e-4)


def test_kobert_reads_cls_text_sep_and_pads_with_1(kobert: Path) -> None:
    reader = Classifier(str(kobert))
    processor = sentencepiece.SentencePieceProcessor(model_file=str(kobert / "spiece.model"))
    assert reader.encoder.encode(TEXTS[0]) == [2, *processor.encode(TEXTS[0]), 3]
    assert reader.encoder.pad_id == 1
    long = reader.encoder.encode("비가 온다 " * 400)
    assert len(long) == 64
    assert (long[0], long[-1]) == (2, 3)
    assert "[CLS]" not in processor.decode(reader.encoder.encode("[CLS][SEP]")[1:-1])
    expected = BertForSequenceClassification.from_pretrained(kobert).eval()
    ids = [2, *processor.encode(TEXTS[1]), 3]
    with torch.no_grad():
        logits = expected(input_ids=torch.tensor([ids])).logits
    assert reader([TEXTS[1]])[0]["labels"]["나"] == pytest.approx(float(logits.softmax(-1)[0, 1]), abs=1e-4)


def test_texts_longer_than_roberta_s_positions(roberta: Path) -> None:
    (read,) = models.classify(["비가 온다 " * 200], str(roberta))
    assert sum(read["labels"].values()) == pytest.approx(1, abs=1e-4)


def test_an_encoder_is_the_same_after_saving(kobert: Path, roberta: Path, tmp_path: Path) -> None:
    for folder in (kobert, roberta, settings.current().weights / "small" / "classify_emotion"):
        reader = Classifier(str(folder))
        copy = tmp_path / folder.name
        copy.mkdir()
        reader.encoder.save(copy)
        again = classifier.encoder(copy, reader.model.config)
        assert [again.encode(text) for text in TEXTS] == [reader.encoder.encode(text) for text in TEXTS]


def test_a_model_without_a_head_is_refused(kobert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "headless"
    BertForMaskedLM(BertConfig(vocab_size=96, pad_token_id=1, **SHAPE)).save_pretrained(folder)
    (folder / "spiece.model").write_bytes((kobert / "spiece.model").read_bytes())
    with pytest.raises(
        CheckpointError, match=r"'headless' is no trained classifier: .*classifier.weight.*kogpt train headless"
    ):
        models.classify(["글"], str(folder))


def test_a_vocabulary_that_does_not_fit_is_refused(kobert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    BertForSequenceClassification(BertConfig(vocab_size=10, pad_token_id=1, **SHAPE)).save_pretrained(folder)
    (folder / "spiece.model").write_bytes((kobert / "spiece.model").read_bytes())
    with pytest.raises(CheckpointError, match=r"spiece.model has \d+ entries, its weights 10"):
        models.classify(["글"], str(folder))


@INT8
def test_int8_agrees_with_fp32_on_the_shipped_weights() -> None:
    who, did = (
        ["나는", "친구가", "우리 팀이"],
        ["시험에 합격해서 너무 기쁘다!", "지갑을 잃어버려서 화가 난다.", "내일 발표가 걱정된다", "밥을 먹었다"],
    )
    texts = [f"{a} {b}" for a in who for b in did] + TEXTS
    int8, exact = Classifier("small/classify_emotion")(texts), Classifier("small/classify_emotion", exact=True)(texts)
    apart = [abs(a[g][label] - b[g][label]) for a, b in zip(int8, exact, strict=True) for g in a for label in a[g]]
    assert 0 < max(apart) < 0.03, "int8 and fp32 are to differ, but hardly"


def test_where_int8_would_overflow_it_says_fp32() -> None:
    dtype = Classifier("small/classify_emotion").details["dtype"]
    assert dtype == ("int8" if row_scaled_runs() else "float32")


@INT8
def test_int8_takes_less_memory_and_says_so() -> None:
    int8, exact = Classifier("small/classify_emotion"), Classifier("small/classify_emotion", exact=True)
    assert int8.details["dtype"] == "int8"
    assert int8.parameters == exact.parameters
    assert int8.bytes < 0.6 * exact.bytes


def test_thresholds_stand_in_the_config(kobert: Path, tmp_path: Path) -> None:
    config = json.loads((kobert / "config.json").read_text(encoding="utf-8"))
    config["label_groups"] = [
        {"name": "셋", "labels": ["가", "나", "다"], "activation": "sigmoid", "thresholds": [0.1, 0.2, 0.3]}
    ]
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert models.thresholds(str(tmp_path)) == {"셋": {"가": 0.1, "나": 0.2, "다": 0.3}}


def sums(seen: list[list[list[int]]], gate: threading.Event) -> Callable[[list[list[int]]], Sequence[int]]:
    """Adds up each row, once `gate` is open; a row with a 13 fails its batch."""

    def run(rows: list[list[int]]) -> Sequence[int]:
        gate.wait(10)
        seen.append(rows)
        if any(13 in row for row in rows):
            raise ValueError("13")
        return [sum(row) for row in rows]

    return run


def test_what_waits_together_shares_batches_of_a_length() -> None:
    seen: list[list[list[int]]] = []
    gate = threading.Event()
    batches, run = Batches(budget=8), sums(seen, gate)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(batches, run, [[1]])
        while batches._waiting or not batches._worker._threads:  # until the worker has the first in hand
            pass
        others = [pool.submit(batches, run, [[n] * (2 if n % 2 else 8)]) for n in range(2, 8)]
        while len(batches._waiting) < 6:
            pass
        gate.set()
        assert first.result() == [1]
        assert [other.result() for other in others] == [[n * (2 if n % 2 else 8)] for n in range(2, 8)]
    assert seen[0] == [[1]]
    assert sorted(map(len, seen[1:])) == [1, 1, 1, 3], "three short rows fit the budget together, a long one fills it"


def test_a_row_at_fault_fails_alone() -> None:
    gate = threading.Event()
    gate.set()
    batches, run = Batches(budget=100), sums([], gate)
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(batches, run, [[n]]) for n in range(40)]
    for n, future in enumerate(asked):
        if n == 13:
            with pytest.raises(ValueError, match="13"):
                future.result()
        else:
            assert future.result() == [n]
    with pytest.raises(ValueError, match="13"):
        batches(run, [[1], [13], [2]])
    assert not batches._waiting


def test_many_readers_each_get_their_own_answer(kobert: Path) -> None:
    texts = [f"{text} {i}" for i in range(20) for text in TEXTS]
    reader = Classifier(str(kobert))
    expected = reader(texts)
    with ThreadPoolExecutor(24) as pool:
        found = list(pool.map(lambda text: models.classify([text], str(kobert))[0], texts))
    assert all(map(close, found, expected))


def test_a_dropped_classifier_leaves_no_thread_and_no_weights(kobert: Path) -> None:
    reader = Classifier(str(kobert))
    reader(TEXTS)
    (thread,) = reader._batches._worker._threads
    gone = weakref.ref(reader)
    del reader
    gc.collect()
    thread.join(10)
    assert gone() is None
    assert not thread.is_alive()
