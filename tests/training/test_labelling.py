"""Training a classifier on rows made here, from a tiny GPT-2 and a tiny KoBERT: what is held out, chosen, written and
refused.
"""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
import torch
import yaml
from tiny import tiny_base
from transformers import AutoModelForSequenceClassification, BertConfig, BertModel, GPT2Config, GPT2LMHeadModel

from kogpt_funcs import models
from kogpt_funcs.contract import registry, settings
from kogpt_funcs.contract.errors import CheckpointError, KogptError
from kogpt_funcs.data.tables import Row
from kogpt_funcs.models import Labelled, cache
from kogpt_funcs.models.classifier.classifier import Classifier
from kogpt_funcs.models.classifier.ngrams import FILE, Ngrams
from kogpt_funcs.training import label_measures, label_rows, label_task
from kogpt_funcs.training.label_measures import Predicted
from kogpt_funcs.training.labelling import Options, train_classifier
from kogpt_funcs.training.sources import Source

SAID = {
    "기쁨": ["정말 기쁘다", "너무 좋아", "행복해"],
    "슬픔": ["눈물이 난다", "슬퍼서 울었다", "마음이 아프다"],
    "없음": ["회의는 세 시다", "밥을 먹었다"],
}
WHO = ["나는", "오늘", "우리는", "어제", "친구가", "집에서", "학교에서"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(0)
    rows = []
    for i in range(600):
        label = rng.choice([*SAID, "기쁨"])
        rows.append(
            {
                "text": f"{rng.choice(WHO)} {rng.choice(SAID[label])} {i}",
                "labels": [label],
                "split": "test" if i % 2 else "val",
            }
        )
    rows.append({"text": "표가 없는 줄"})
    path = tmp_path_factory.mktemp("labels") / "emotion.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases") / "tiny"
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=8192, n_positions=64, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=1, pad_token_id=3
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    shutil.copy(settings.current().weights / "small/tokenizer.json", folder)
    return folder


@pytest.fixture(scope="module")
def kobert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases") / "kobert"
    folder.mkdir()
    (folder / "text").write_text(
        "\n".join(f"{a} {b}" for a in WHO for said in SAID.values() for b in said), encoding="utf-8"
    )
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text"),
        model_prefix=str(folder / "spiece"),
        vocab_size=90,
        hard_vocab_limit=False,
        minloglevel=2,
        unk_id=0,
        unk_piece="[UNK]",
        pad_id=1,
        pad_piece="[PAD]",
        bos_id=-1,
        eos_id=-1,
        control_symbols=["[CLS]", "[SEP]", "[MASK]"],
    )
    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    BertModel(BertConfig(vocab_size=96, pad_token_id=1, max_position_embeddings=64, **shape)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trained(data: Path, gpt2: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """The run's folder, the checkpoint and the figures of a classifier from the tiny GPT-2."""
    place = tmp_path_factory.mktemp("trained")
    options = Options(lr=3e-3, batch_size=16, epochs=3, patience=3, full=True)
    figures = train_classifier(
        "classify_emotion", [Source(data)], base=str(gpt2), run=place / "run", out=place / "out", options=options
    )
    return place / "run", place / "out", figures


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_entries", {})


def test_what_was_learned_answers(trained: tuple[Path, Path, dict[str, Any]]) -> None:
    _, out, figures = trained
    assert figures["six_accuracy"] > 0.9
    assert figures["six_mean_auc"] > 0.9
    happy, sad = models.classify(["언니가 너무 좋아 행복해", "언니가 슬퍼서 울었다"], str(out))
    assert max(happy["six"], key=happy["six"].__getitem__) == "기쁨"
    assert max(sad["six"], key=sad["six"].__getitem__) == "슬픔"


def test_the_checkpoint_is_one_that_transformers_loads(trained: tuple[Path, Path, dict[str, Any]]) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(trained[1])
    assert [model.config.id2label[i] for i in (0, 5, 6)] == ["일상", "우울", "없음"]
    assert model.config.num_labels == 50
    assert model.config.pad_token_id == 3
    assert all(0.01 <= value < 1 for value in models.thresholds(str(trained[1]))["kote"].values())


def test_the_card_has_figures_pictures_and_a_licence_to_fill_in(trained: tuple[Path, Path, dict[str, Any]]) -> None:
    run, out, figures = trained
    card = (out / "README.md").read_text(encoding="utf-8")
    assert yaml.safe_load(card.split("---\n")[1])["license"] == "other"
    assert f"{figures['kote_macro_f1']:.3f}" in card
    assert "kogpt train classify_emotion" in card
    for name in ("learning_curves.png", "reliability.png", "confusion_six.png"):
        assert f"({name})" in card
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert str(run.parent) not in card.replace(str(json.loads((run / "run.json").read_text())["base"]), "")


def test_a_card_written_by_hand_keeps_its_words(trained: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    run, _, figures = trained
    (tmp_path / "README.md").write_text("앞\n\n<!-- measured -->\n옛것\n<!-- /measured -->\n\n뒤\n", encoding="utf-8")
    from kogpt_funcs.training import label_card, record

    groups = {name: {**group} for name, group in registry.get("classify_emotion").label_groups.items()}
    label_card.write(tmp_path, "classify_emotion", record.read(run), figures, groups, None, [])
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert card.startswith("앞\n")
    assert card.endswith("뒤\n")
    assert "옛것" not in card
    assert f"{figures['steps']:,} steps" in card


def test_the_run_is_recorded_and_watched_each_epoch(trained: tuple[Path, Path, dict[str, Any]]) -> None:
    run, _, figures = trained
    written = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert (written["kind"], written["data"][0]["rows"], written["options"]["epochs"]) == ("classifier", 601, 3)
    curve = [json.loads(line) for line in (run / "curve.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [round(line["epoch"]) for line in curve] == [0, 1, 2, 3]
    assert curve[-1]["step"] == figures["steps"]
    assert curve[-1]["validation_loss"] < curve[0]["validation_loss"]


def test_a_run_that_is_there_is_gone_on_with_only_when_asked(
    trained: tuple[Path, Path, dict[str, Any]], data: Path, gpt2: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained[0], tmp_path / "run")
    again: dict[str, Any] = {"base": str(gpt2), "run": tmp_path / "run", "out": tmp_path / "out"}
    options = Options(lr=3e-3, batch_size=16, epochs=4, patience=3, full=True)
    with pytest.raises(KogptError, match="--resume"):
        train_classifier("classify_emotion", [Source(data)], options=options, **again)
    with pytest.raises(KogptError, match="--batch-size was 16 and is now 8"):
        train_classifier(
            "classify_emotion",
            [Source(data)],
            options=Options(lr=3e-3, batch_size=8, epochs=4, full=True),
            mode="resume",
            **again,
        )
    figures = train_classifier("classify_emotion", [Source(data)], options=options, mode="resume", **again)
    assert figures["steps"] == trained[2]["steps"] * 4 // 3


def test_kobert_learns_and_answers(kobert: Path, data: Path, tmp_path: Path) -> None:
    options = Options(lr=3e-3, batch_size=16, minutes=0.1, full=True)
    figures = train_classifier(
        "classify_emotion",
        [Source(data)],
        base=str(kobert),
        run=tmp_path / "run",
        out=tmp_path / "out",
        options=options,
    )
    assert figures["six_accuracy"] > 0.9
    assert (tmp_path / "out/spiece.model").is_file()
    assert json.loads((tmp_path / "out/config.json").read_text())["pad_token_id"] == 1
    (sad,) = models.classify(["집에서 눈물이 난다"], str(tmp_path / "out"))
    assert max(sad["six"], key=sad["six"].__getitem__) == "슬픔"


@pytest.fixture(scope="module", params=["gpt2", "gemma3_text"])
def adapted(
    request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, dict[str, Any]]:
    """weights/, the classifier in it and its figures: an adapter and a head on a tiny base of each architecture."""
    weights = tmp_path_factory.mktemp("weights")
    tiny_base(weights / "tiny", request.param)
    run, out = tmp_path_factory.mktemp("run"), weights / "tiny" / "classify_emotion"
    options = Options(lr=1e-2, batch_size=16, epochs=3, rank=4)
    with settings.using(weights=weights, base="tiny"):
        figures = train_classifier(
            "classify_emotion", [Source(data)], base="tiny", run=run, out=out, options=options, mode="fresh"
        )
    return weights, out, figures


def test_an_adapter_and_a_head_learn_and_answer(adapted: tuple[Path, Path, dict[str, Any]]) -> None:
    weights, out, figures = adapted
    assert figures["six_accuracy"] > 0.9
    assert not (out / "model.safetensors").exists()
    with settings.using(weights=weights, base="tiny"):
        happy, sad = models.classify(["언니가 너무 좋아 행복해", "언니가 슬퍼서 울었다"], "classify_emotion")
        (loaded,) = cache.resident()["checkpoints"]
    assert max(happy["six"], key=happy["six"].__getitem__) == "기쁨"
    assert max(sad["six"], key=sad["six"].__getitem__) == "슬픔"
    assert loaded["name"] == "tiny/classify_emotion"


def test_what_is_served_is_what_was_trained(adapted: tuple[Path, Path, dict[str, Any]], data: Path) -> None:
    weights, _, figures = adapted
    split = label_rows.read(registry.get("classify_emotion").training_labels, [Source(data)])
    with settings.using(weights=weights, base="tiny"):
        read = Classifier("tiny/classify_emotion", exact=True)([row.text for row in split.test])
    best = [max(scores["six"], key=scores["six"].__getitem__) for scores in read]
    wanted = [max(row.targets["six"], key=row.targets["six"].__getitem__) for row in split.test]
    assert np.mean([a == b for a, b in zip(best, wanted, strict=True)]) == pytest.approx(
        figures["six_accuracy"], abs=0.02
    )


def test_an_adapted_classifier_goes_on_from_another(
    adapted: tuple[Path, Path, dict[str, Any]], data: Path, tmp_path: Path
) -> None:
    weights, out, figures = adapted
    options = Options(lr=1e-9, batch_size=256, epochs=1, rank=4, start=str(out))
    with settings.using(weights=weights, base="tiny"):
        again = train_classifier(
            "classify_emotion", [Source(data)], base="tiny", run=tmp_path / "run", out=tmp_path / "out", options=options
        )
    assert again["six_accuracy"] == pytest.approx(figures["six_accuracy"], abs=0.02)


def test_an_adapted_classifier_of_other_weights_is_refused(
    adapted: tuple[Path, Path, dict[str, Any]], tmp_path: Path
) -> None:
    shutil.copytree(adapted[0], tmp_path / "weights")
    place = tmp_path / "weights/tiny/classify_emotion"
    written = json.loads((place / "base.json").read_text())
    assert written["base"] == "tiny"
    (place / "base.json").write_text(json.dumps({**written, "fingerprint": "0" * 12}))
    with (
        settings.using(weights=tmp_path / "weights", base="tiny"),
        pytest.raises(CheckpointError, match="trained on other weights"),
    ):
        models.classify(["글"], "classify_emotion")
    (place / "base.json").write_text(json.dumps(written))
    (place / "head.safetensors").write_bytes(b"short")
    with (
        settings.using(weights=tmp_path / "weights", base="tiny"),
        pytest.raises(CheckpointError, match="cannot be loaded"),
    ):
        models.classify(["글"], "classify_emotion")


def test_neighbouring_lines_are_held_out_together() -> None:
    rows = [Row(i + 2, {"label": "기쁨", "text": f"글 {i}"}) for i in range(900)]
    chosen = [i for i, held in enumerate(label_rows.held_out(rows)) if held]
    assert chosen == [*range(140, 160), *range(440, 460), *range(740, 760)]
    assert label_rows.held_out(rows[:40]) == [label_rows.is_held_out_label_row(row.cells) for row in rows[:40]]


def test_two_labels_that_a_reader_named_weigh_unequally() -> None:
    labelled = registry.get("classify_emotion").training_labels
    (both,) = labelled({"text": "글", "label": "슬픔+분노"})
    assert (both.targets, both.weight("six"), both.weight("kote")) == ({"six": {"슬픔": 0.65, "분노": 0.35}}, 1.0, 0.0)
    (derived,) = labelled({"text": "글", "labels": ["기쁨"]})
    assert 0 < derived.weight("six") < derived.weight("kote") == 1.0


def test_which_rows_are_held_out() -> None:
    texts = [f"글 {i}" for i in range(4000)]
    held = {
        split: [t for t in texts if label_rows.is_held_out_label_row({"text": t, "split": split})]
        for split in ("train", "val", "test")
    }
    assert not held["train"] + held["val"]
    assert 900 < len(held["test"]) < 1100
    assert 400 < sum(label_rows.is_held_out_label_row({"text": t}) for t in texts) < 600
    calibration, test = label_rows.halves(Labelled(t, {}) for t in held["test"])
    assert 400 < len(calibration) < 600
    assert not {row.text for row in calibration} & {row.text for row in test}


def test_no_held_out_row_is_trained_on_and_a_file_named_twice_is_held_out_once(data: Path) -> None:
    render = registry.get("classify_emotion").training_labels
    split = label_rows.read(render, [Source(data), Source(data)])
    once = label_rows.read(render, [Source(data)])
    assert len(split.train) == 2 * len(once.train)
    assert (split.calibration, split.test) == (once.calibration, once.test)
    assert not {row.text for row in split.train} & {row.text for row in [*split.calibration, *split.test]}


def test_a_row_without_labels_is_told_by_its_number(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    label_rows.read(registry.get("classify_emotion").training_labels, [Source(data)])
    assert "emotion.jsonl, row 601: no column 'label'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", "", "empty.csv"),
        ("none.csv", "text,mood\n글,기쁨\n", "No row with labels to train on in none.csv.*columns found: text, mood"),
    ],
)
def test_data_without_labels(name: str, content: str, said: str, gpt2: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(KogptError, match=said):
        train_classifier(
            "classify_emotion",
            [Source(tmp_path / name)],
            base=str(gpt2),
            run=tmp_path / "run",
            out=tmp_path / "out",
            options=Options(minutes=1, full=True),
        )
    assert not (tmp_path / "out").exists()


def test_a_base_that_cannot_be_loaded(gpt2: Path, data: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(gpt2, broken)
    (broken / "model.safetensors").write_bytes(b"short")
    with pytest.raises(CheckpointError, match="'broken' cannot be loaded as a classifier"):
        train_classifier(
            "classify_emotion",
            [Source(data)],
            base=str(broken),
            run=tmp_path / "run",
            out=tmp_path / "out",
            options=Options(minutes=1, full=True),
        )
    with pytest.raises(KogptError, match="trains no classifier"):
        train_classifier(
            "continue_text",
            [Source(data)],
            base=str(gpt2),
            run=tmp_path / "run",
            out=tmp_path / "out",
            options=Options(minutes=1, full=True),
        )


def test_rare_labels_weigh_more_and_the_mean_row_weighs_one() -> None:
    groups = {"셋": {"labels": ["가", "나"], "activation": "softmax"}}
    targets = np.array([[1, 0]] * 16 + [[0, 1]] * 4, np.float32)
    weights = label_task.class_weights(groups, targets, np.ones_like(targets))["셋"]
    assert weights[1] / weights[0] == pytest.approx(2)
    assert float((torch.from_numpy(targets) @ weights).mean()) == pytest.approx(1)


def test_calibration_finds_what_was_done_to_the_probabilities() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(4000, 3)) * 2 - 1
    targets = (rng.random(true.shape) < 1 / (1 + np.exp(-true))).astype(np.float32)
    groups: dict[str, dict[str, Any]] = {"셋": {"labels": ["가", "나", "다"], "activation": "sigmoid"}}
    ngrams = Ngrams(np.ones((8, 3)), np.ones(3), np.ones(8))
    predicted = Predicted(
        (true * 2.0).astype(np.float32),
        rng.normal(size=true.shape).astype(np.float32),
        targets,
        np.ones(true.shape, np.float32),
    )
    label_measures.calibrate(groups, predicted, ngrams)
    assert groups["셋"]["temperature"] == pytest.approx(2, abs=0.15)
    assert np.abs(ngrams.weights).max() <= 0.25, "noise beside the model is to weigh nothing"
    measured = label_measures.measure(groups, predicted._replace(ngrams=np.zeros_like(predicted.ngrams)))
    assert measured["셋_ece"] < 0.03
    wrong = label_measures.measure(
        {"셋": {**groups["셋"], "thresholds": [0.9] * 3}}, predicted._replace(ngrams=np.zeros_like(predicted.ngrams))
    )
    assert measured["셋_macro_f1"] > wrong["셋_macro_f1"] + 0.1


def test_a_probability_says_how_often_the_label_shown_is_right_though_rows_have_two() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(6000, 3)) * 2
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    strongest = (chances.cumsum(1) > rng.random((6000, 1))).argmax(1)
    targets = 0.55 * np.eye(3)[strongest] + 0.45 * np.eye(3)[(strongest + 1) % 3]  # each row has a second feeling
    groups: dict[str, dict[str, Any]] = {"셋": {"labels": ["가", "나", "다"], "activation": "softmax"}}
    predicted = Predicted(logits / 2, np.zeros_like(logits), targets, np.ones_like(logits))
    label_measures.calibrate(groups, predicted, None)
    assert groups["셋"]["temperature"] == pytest.approx(0.5, abs=0.06)
    assert label_measures.measure(groups, predicted)["셋_ece"] < 0.03


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.05, 0.05])
    right = np.array([True, True, False, False, False, False])
    assert label_measures.calibration_error(confidence, right) == pytest.approx((0.45 * 4 + 0.05 * 2) / 6)


def test_ngrams_are_saved_and_checked(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ngrams = Ngrams(rng.normal(size=(512, 3)), rng.normal(size=3), rng.random(512) + 1)
    ngrams.save(tmp_path)
    again = Ngrams.load(tmp_path, 3)
    assert again
    texts = ["정말 기쁘다", "정말  기쁘다", "", "ㅠㅠ"]
    assert np.array_equal(again.logits(texts), ngrams.logits(texts))
    assert np.array_equal(ngrams.logits(texts)[0], ngrams.logits(texts)[1])
    assert np.allclose(ngrams.logits([""])[0], ngrams.bias, atol=1e-3) or ngrams.rarity[list(range(512))].any()
    with pytest.raises(CheckpointError, match=r"and the model 5 labels"):
        Ngrams.load(tmp_path, 5)
    (tmp_path / FILE).write_bytes(b"broken")
    with pytest.raises(CheckpointError, match=r"ngrams.safetensors .* cannot be read"):
        Ngrams.load(tmp_path, 3)
