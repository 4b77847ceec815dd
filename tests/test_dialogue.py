"""`kogpt train dialogue`: what each label strategy counts, one metric for all, and a tiny base that learns to answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from package_copy import ROOT
from transformers import GPT2Config, GPT2LMHeadModel

from kogpt_funcs.models import Example, Special
from kogpt_funcs.models.tokenizer import END, Tokenizer
from kogpt_funcs.training.replies import measure, rank
from kogpt_funcs.training.turns import STRATEGIES, answers, collate, dialogue, labelled

USR, SYS = 2, 4
TURNS = ["안녕", "반가워", "뭐 해?", "책 읽어"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(ROOT / "weights" / "base" / "tokenizer.json")


def example(row: dict[str, Any]) -> Example:
    [found] = dialogue(row)
    return found


def counted(tokenizer: Tokenizer, strategy: Any, turns: list[str] = TURNS, length: int = 512) -> list[str]:
    """What the loss counts, as the labels of the batch say: marks by name, texts as text."""
    found = labelled(example({"turns": turns}), strategy, tokenizer, length)
    shorter = labelled(example({"turns": turns[:2]}), strategy, tokenizer, length)
    rows = [{"input_ids": row.ids, "counted": row.counted} for row in (found, shorter)]
    batch = collate(rows)
    assert batch["labels"].shape == batch["input_ids"].shape == (2, max(len(found.ids), len(shorter.ids)))
    assert (batch["labels"][batch["attention_mask"] == 0] == -100).all()  # pads never count
    groups: list[str] = []
    text: list[int] = []
    for label in [*batch["labels"][0].tolist(), -100]:
        if label <= 108:
            groups += [tokenizer.decode(text).strip()] * bool(text) + {USR: ["<usr>"], SYS: ["<sys>"], END: ["</s>"]}.get(label, [])
            text = []
        else:
            text.append(label)
    return groups


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("input", ["<usr>", "안녕", "<sys>", "반가워", "<usr>", "뭐 해?", "<sys>", "책 읽어", "</s>"]),
        ("shift", ["<usr>", "안녕", "<sys>", "반가워", "<usr>", "뭐 해?", "<sys>", "책 읽어", "</s>"]),
        ("all", ["반가워", "책 읽어", "</s>"]),
        ("last", ["책 읽어", "</s>"]),
    ],
)
def test_what_each_strategy_counts(tokenizer: Tokenizer, strategy: str, expected: list[str]) -> None:
    assert counted(tokenizer, strategy) == expected
    ids = labelled(example({"turns": TURNS}), strategy, tokenizer, 512).ids  # type: ignore[arg-type]
    assert ids[:2] == [0, USR] if strategy == "shift" else ids[0] == USR
    assert ids[-1] == END


@pytest.mark.parametrize(
    "row",
    [
        {"turns": TURNS},
        {"turns": [*TURNS, "그렇구나"]},  # nobody answers that
        {"conversation": "<usr> 안녕 <sys> 반가워\n<usr>뭐 해? <sys>책 읽어"},
        {"conversation": "<sys> 어서 와 <usr> 안녕 <sys> 반가워 <usr> 뭐 <usr> 해? <sys> 책 읽어"},
    ],
)
def test_both_kinds_of_rows_say_the_same(row: dict[str, Any]) -> None:
    usr, sys_ = Special("<usr>"), Special("<sys>")
    assert example(row) == Example([usr, "안녕", sys_, "반가워", usr, "뭐 해?", sys_], "책 읽어")


@pytest.mark.parametrize("row", [{"turns": ["안녕"]}, {"turns": "안녕"}, {"turns": ["안녕", 3]}, {"turns": ["안녕", " "]}, {"conversation": "안녕"}])
def test_rows_that_are_no_dialogue(row: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"wanted|list of texts|empty"):
        example(row)


def test_the_metric_counts_the_same_tokens_for_every_strategy(tokenizer: Tokenizer) -> None:
    found = {s: list(answers(example({"turns": TURNS}), s, tokenizer, 512)) for s in STRATEGIES}
    texts = {s: [tokenizer.decode(a.ids[a.start :]).strip() for a in rows] for s, rows in found.items()}
    assert set(map(tuple, texts.values())) == {("반가워", "책 읽어")}
    assert [a.ids[a.start - 1] for a in found["all"]] == [SYS, SYS]
    assert {s: rows[0].ids[0] for s, rows in found.items()} == {"input": USR, "last": USR, "all": USR, "shift": 0}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("length", [24, 40, 64])
def test_a_long_dialogue_loses_its_beginning(tokenizer: Tokenizer, strategy: Any, length: int) -> None:
    turns = [f"{n}번째로 하는 말은 이렇게 조금 길다" for n in range(20)]
    found = labelled(example({"turns": turns}), strategy, tokenizer, length)
    assert len(found.ids) == len(found.counted) <= length
    assert tokenizer.decode(found.ids).strip().endswith("19번째로 하는 말은 이렇게 조금 길다")
    assert all(len(a.ids) <= length and a.start < len(a.ids) for a in answers(example({"turns": turns}), strategy, tokenizer, length))
    assert all(len(a.ids) <= length for a in answers(example({"turns": ["물음 " * 99, "대답"]}), strategy, tokenizer, length))


class Oracle(torch.nn.Module):
    """A language model that knows which id follows which, and is sure of it."""

    def __init__(self, pairs: dict[int, int], size: int) -> None:
        super().__init__()
        self.table = torch.nn.Parameter(torch.zeros(size, size))
        for before, after in pairs.items():
            self.table.data[before, after] = 20.0

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        return type("Output", (), {"logits": self.table[input_ids]})


def test_ranking_and_loss_against_a_model_that_is_known(tokenizer: Tokenizer) -> None:
    asked = Example([Special("<usr>"), "안녕", Special("<sys>")], "반가워")
    reply = tokenizer.encode(["반가워"])
    oracle = Oracle(dict(zip([SYS, *reply], reply, strict=False)), tokenizer.size)
    assert rank(oracle, asked, ["싫어", "책 읽어"], "all", tokenizer, 64) == 0
    assert rank(oracle, asked._replace(target="싫어"), ["반가워", "책 읽어"], "all", tokenizer, 64) >= 1
    figures = measure(oracle, [asked], "all", tokenizer, 64)
    assert figures["assistant_tokens"] == len(reply)
    assert figures["assistant_loss"] == pytest.approx(0.0, abs=1e-3)
    uniform = measure(Oracle({}, tokenizer.size), [asked], "shift", tokenizer, 64)
    assert uniform["assistant_loss"] == pytest.approx(torch.tensor(float(tokenizer.size)).log().item(), abs=1e-3)
    assert "hits_at_1" not in figures  # one answer is no contest


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random base and dialogues whose answers follow from the questions."""
    folder = tmp_path_factory.mktemp("dialogue")
    base = folder / "weights" / "base"
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=8192, n_positions=64, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=1, pad_token_id=3)
    GPT2LMHeadModel(config).save_pretrained(base)
    shutil.copy(ROOT / "weights" / "base" / "tokenizer.json", base)
    names = ["사과", "바다", "기차", "나무", "하늘", "구름", "학교", "시장", "강", "산", "달", "별", "꽃", "새", "눈", "비", "길", "집", "밥", "책", "옷", "차", "문", "돌"]
    rows = [{"turns": [f"{name} 어때 {i}", f"{name} 좋아"]} for i in range(20) for name in names]
    (folder / "chat.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in [*rows, {"turns": ["혼잣말"]}]), "utf-8")
    return folder


def train(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kogpt_funcs", "train", "dialogue", *arguments], cwd=place, capture_output=True, text=True, timeout=300,
        env={**os.environ, "KOGPT_WEIGHTS": str(place / "weights"), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(place: Path) -> dict[str, dict[str, Any]]:
    """The figures of all strategies, one full and the others as adapters."""
    found = {}
    for strategy in STRATEGIES:
        how = ["--full", "--lr", "0.003"] if strategy == "last" else ["--lr", "0.01"]
        done = train(
            place, "--data", "chat.jsonl", "--strategy", strategy, "--epochs", "3", "--batch-size", "16",
            "--run", f"runs/{strategy}", "--out", f"out/{strategy}", *how,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        assert "chat.jsonl: 481 rows, 1 bad." in done.stderr
        found[strategy] = json.loads(done.stdout)
    return found


def test_every_strategy_learns_on_the_one_metric(trained: dict[str, dict[str, Any]], place: Path) -> None:
    for figures in trained.values():
        assert figures["assistant_loss"] < figures["assistant_loss_of_base"] - 1
    same = [{k: figures[k] for k in ("assistant_tokens", "held_out_dialogues", "training_dialogues")} for figures in trained.values()]
    assert all(figures == same[0] for figures in same)
    assert (place / "out/last/model.safetensors").is_file()
    assert (place / "out/all/adapter_model.safetensors").is_file()


def test_the_leaderboard_compares_them(trained: dict[str, dict[str, Any]], place: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "kogpt_funcs", "runs"], cwd=place, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    lines = done.stdout.splitlines()
    assert sorted(line.split()[0] for line in lines[1:]) == sorted(STRATEGIES)
    best = min(STRATEGIES, key=lambda s: min(json.loads(line)["validation_loss"] for line in (place / "runs" / s / "curve.jsonl").read_text().splitlines()))
    assert lines[1].startswith(best)
    record = json.loads((place / "runs/last/run.json").read_text("utf-8"))
    assert (record["kind"], record["strategy"], record["data"][0]["rows"]) == ("dialogue", "last", 481)


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--data", "chat.jsonl", "--strategy", "all", "--run", "runs/all"], "holds a run already"),
        (["--data", "chat.jsonl", "--strategy", "input", "--run", "runs/all", "--resume", "--lr", "0.01", "--batch-size", "16"], "the strategy was 'all' and is now 'input'"),
        (["--data", "other.csv", "--run", "runs/x"], "no column 'turns'. Columns found: 말"),
        (["--data", "lonely.jsonl", "--run", "runs/x"], "No dialogue to train on in lonely.jsonl. lonely.jsonl, row 1"),
        (["--data", "chat.jsonl", "--run", "runs/x", "--epochs", "1", "--minutes", "1"], "two budgets"),
        (["--data", "chat.jsonl", "--run", "runs/x", "--base", "nothing"], "No checkpoint 'nothing'"),
    ],
)
def test_what_cannot_be_trained_gets_a_sentence(place: Path, arguments: list[str], sentence: str) -> None:
    (place / "other.csv").write_text("말\n가\n", "utf-8")
    (place / "lonely.jsonl").write_text('{"turns": ["가"]}\n', "utf-8")
    done = train(place, *arguments)
    assert done.returncode == 1, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (place / "runs/x").exists()
