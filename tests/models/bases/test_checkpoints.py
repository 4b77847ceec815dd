"""Checkpoints that are broken in the ways downloads and disks break them: a sentence, no path, no stack trace."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from kogpt_funcs import models
from kogpt_funcs.contract import registry, settings
from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models import cache


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of weights/ to break."""
    monkeypatch.setattr(cache, "_entries", {})
    copy = tmp_path / "weights"
    shutil.copytree(settings.current().weights, copy)
    settings.replace(weights=copy)
    return copy


def ask(name: str) -> str:
    function = registry.get(name)
    with pytest.raises(CheckpointError) as caught:
        function.call(function.parse(function.examples[0]))
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "file", "sentence"),
    [
        ("continue_text", "small/model.safetensors", "no weights"),
        ("continue_text", "small/tokenizer.json", "tokenizer.json"),
        ("continue_text", "small/config.json", "No checkpoint|no config.json"),
        (
            "change_style",
            "small/change_style/adapter_config.json",
            "No adapter 'change_style'.*kogpt train change_style",
        ),
        ("write_comment", "small/write_comment/base.json", "cannot be read"),
        ("classify_emotion", "small/classify_emotion/model.safetensors", "kogpt train classify_emotion"),
    ],
)
def test_a_missing_file(weights: Path, name: str, file: str, sentence: str) -> None:
    (weights / file).unlink()
    message = ask(name)
    assert str(weights) not in message
    with pytest.raises(AssertionError, match=sentence):
        raise AssertionError(message)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("continue_text", "small/model.safetensors"),
        ("continue_text", "small/config.json"),
        ("change_style", "small/change_style/adapter_model.safetensors"),
        ("classify_emotion", "small/classify_emotion/model.safetensors"),
        ("classify_emotion", "small/classify_emotion/tokenizer.json"),
    ],
)
def test_a_file_cut_short(weights: Path, name: str, file: str) -> None:
    path = weights / file
    path.write_bytes(path.read_bytes()[:200])
    assert str(weights) not in ask(name)


def test_another_architecture(weights: Path) -> None:
    config = json.loads((weights / "small/config.json").read_text())
    (weights / "small/config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    assert "architecture 'bert'" in ask("continue_text")


def test_adapters_of_an_older_base_are_refused(weights: Path) -> None:
    written = json.loads((weights / "small/change_style/base.json").read_text())
    (weights / "small/change_style/base.json").write_text(json.dumps({**written, "fingerprint": "0" * 12}))
    assert "trained on other weights" in ask("change_style")


def test_a_failed_load_is_tried_again(weights: Path) -> None:
    hidden = weights / "small/hidden"
    (weights / "small/model.safetensors").rename(hidden)
    ask("continue_text")
    hidden.rename(weights / "small/model.safetensors")
    function = registry.get("continue_text")
    assert function.call(function.parse(function.examples[0]))
    assert models.resident()["checkpoints"][0]["loads"] == 1


def test_labels_out_of_order_are_refused(weights: Path) -> None:
    path = weights / "small/classify_emotion/config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["label_groups"].reverse()
    path.write_text(json.dumps(config), encoding="utf-8")
    assert "label_groups" in ask("classify_emotion")
