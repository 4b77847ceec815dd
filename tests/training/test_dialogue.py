"""`kogpt train dialogue`: what each label strategy counts, one metric for all, and a tiny base that learns to
answer.
"""

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
from kogpt_funcs.models.tokenizers.kogpt2 import END, Tokenizer
from kogpt_funcs.training.dialogue_rows import dialogue
from kogpt_funcs.training.replies import measure, rank
from kogpt_funcs.training.turns import STRATEGIES, answers, collate, labelled

USR, SYS = 2, 4
TURNS = ["안녕", "반가워", "뭐 해?", "책 읽어"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(ROOT / "weights" / "small" / "tokenizer.json")


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
            groups += [tokenizer.decode(text).strip()] * bool(text) + {
                USR: ["<usr>"],
                SYS: ["<sys>"],
                END: ["</s>"],
            }.get(label, [])
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


@pytest.mark.parametrize(
    "row",
    [
        {"turns": ["안녕"]},
        {"turns": "안녕"},
        {"turns": ["안녕", 3]},
        {"turns": ["안녕", " "]},
        {"conversation": "안녕"},
    ],
)
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
    assert all(
        len(a.ids) <= length and a.start < len(a.ids)
        for a in answers(example({"turns": turns}), strategy, tokenizer, length)
    )
    assert all(
        len(a.ids) <= length for a in answers(example({"turns": ["물음 " * 99, "대답"]}), strategy, tokenizer, length)
    )


class Oracle(torch.nn.Module):
    """A language model that knows which id follows which, and is sure of it."""

    def __init__(self, pairs: dict[int, int], size: int) -> None:
        super().__init__()
        self.table = torch.nn.Parameter(torch.zeros(size, size))
        for before, after in pairs.items():
            self.table.data[before, after] = 20.0

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, logits_to_keep: int = 0) -> Any:
        return type("Output", (), {"logits": self.table[input_ids][:, -logits_to_keep:]})


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


def test_a_model_that_knows_nothing_hits_nothing(tokenizer: Tokenizer) -> None:
    examples = [Example([Special("<usr>"), "안녕", Special("<sys>")], f"대답 {n}") for n in range(21)]
    figures = measure(Oracle({}, tokenizer.size), examples, "all", tokenizer, 64)
    assert (figures["dialogues_ranked"], figures["hits_at_1"]) == (21, 0.0)  # a tie is no hit


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random base and dialogues whose answers follow from the questions."""
    folder = tmp_path_factory.mktemp("dialogue")
    base = folder / "weights" / "small"
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=8192, n_positions=64, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=1, pad_token_id=3
    )
    GPT2LMHeadModel(config).save_pretrained(base)
    shutil.copy(ROOT / "weights" / "small" / "tokenizer.json", base)
    names = [
        "사과",
        "바다",
        "기차",
        "나무",
        "하늘",
        "구름",
        "학교",
        "시장",
        "강",
        "산",
        "달",
        "별",
        "꽃",
        "새",
        "눈",
        "비",
        "길",
        "집",
        "밥",
        "책",
        "옷",
        "차",
        "문",
        "돌",
    ]
    rows = [{"turns": [f"{name} 어때 {i}", f"{name} 좋아"]} for i in range(20) for name in names]
    (folder / "chat.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in [*rows, {"turns": ["혼잣말"]}]), "utf-8"
    )
    return folder


DRIVER = """
import contextlib, io, json, sys
from kogpt_funcs.command.kogpt import _run
found = []
for arguments in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = _run(arguments)
    found.append((status, out.getvalue(), err.getvalue()))
print(json.dumps(found))
"""


def kogpt(place: Path, *commands: list[str]) -> list[tuple[int, str, str]]:
    """(status, stdout, stderr) of each command; they share a process, since importing torch takes longer than what
    they do.
    """
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(commands)],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "KOGPT_WEIGHTS": str(place / "weights"), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [tuple(found) for found in json.loads(done.stdout)]


def training(strategy: str) -> list[str]:
    how = ["--lr", "0.03"] if strategy == "all" else ["--full", "--lr", "0.01"]
    return [
        "train",
        "dialogue",
        "--data",
        "chat.jsonl",
        "--strategy",
        strategy,
        "--epochs",
        "4",
        "--batch-size",
        "16",
        "--run",
        f"runs/{strategy}",
        "--out",
        f"out/{strategy}",
        *how,
    ]


@pytest.fixture(scope="module")
def trained(place: Path) -> dict[str, dict[str, Any]]:
    """The figures of all strategies, one full and the others as adapters."""
    done = kogpt(place, *map(training, STRATEGIES))
    for status, _, said in done:
        assert status == 0, said
        assert "chat.jsonl: 481 rows, 1 bad." in said
    return {strategy: json.loads(out) for strategy, (_, out, _) in zip(STRATEGIES, done, strict=True)}


def test_every_strategy_learns_on_the_one_metric(trained: dict[str, dict[str, Any]], place: Path) -> None:
    for strategy, figures in trained.items():  # an adapter on random weights learns less than all of them do
        assert figures["assistant_loss"] < figures["assistant_loss_of_base"] - (0.2 if strategy == "all" else 2)
    same = [
        {k: figures[k] for k in ("assistant_tokens", "held_out_dialogues", "training_dialogues")}
        for figures in trained.values()
    ]
    assert all(figures == same[0] for figures in same)
    assert (place / "out/last/model.safetensors").is_file()
    assert (place / "out/all/adapter_model.safetensors").is_file()


def test_the_leaderboard_compares_them(trained: dict[str, dict[str, Any]], place: Path) -> None:
    [(_, said, _)] = kogpt(place, ["runs"])
    lines = said.splitlines()
    assert sorted(line.split()[0] for line in lines[1:]) == sorted(STRATEGIES)
    best = min(
        STRATEGIES,
        key=lambda s: min(
            json.loads(line)["validation_loss"]
            for line in (place / "runs" / s / "curve.jsonl").read_text().splitlines()
        ),
    )
    assert lines[1].startswith(best)
    record = json.loads((place / "runs/last/run.json").read_text("utf-8"))
    assert (record["kind"], record["strategy"], record["data"][0]["rows"]) == ("dialogue", "last", 481)


REFUSED = {
    "a run that is there": (["--data", "chat.jsonl", "--strategy", "all", "--run", "runs/all"], "holds a run already"),
    "another strategy": (
        [
            "--data",
            "chat.jsonl",
            "--strategy",
            "input",
            "--run",
            "runs/all",
            "--resume",
            "--epochs",
            "4",
            "--lr",
            "0.03",
            "--batch-size",
            "16",
        ],
        "the strategy was 'all' and is now 'input'",
    ),
    "no such column": (["--data", "other.csv", "--run", "runs/x"], "no column 'turns'. Columns found: 말"),
    "no dialogue": (
        ["--data", "lonely.jsonl", "--run", "runs/x"],
        "No dialogue to train on in lonely.jsonl. lonely.jsonl, row 1",
    ),
    "two budgets": (["--data", "chat.jsonl", "--run", "runs/x", "--epochs", "1", "--minutes", "1"], "two budgets"),
    "no such base": (["--data", "chat.jsonl", "--run", "runs/x", "--base", "nothing"], "No checkpoint 'nothing'"),
}


@pytest.fixture(scope="module")
def refused(trained: dict[str, dict[str, Any]], place: Path) -> dict[str, tuple[int, str, str]]:
    (place / "other.csv").write_text("말\n가\n", "utf-8")
    (place / "lonely.jsonl").write_text('{"turns": ["가"]}\n', "utf-8")
    done = kogpt(place, *(["train", "dialogue", *arguments] for arguments, _ in REFUSED.values()))
    return dict(zip(REFUSED, done, strict=True))


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_trained_gets_a_sentence(
    refused: dict[str, tuple[int, str, str]], place: Path, case: str
) -> None:
    status, out, said = refused[case]
    assert (status, out) == (1, ""), said
    assert REFUSED[case][1] in said
    assert not (place / "runs/x").exists()
