"""`kogpt pack`: phrases fill the context, lose no word, and end where sentences do."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from package_copy import ROOT, run

from kogpt_funcs.data.packing import phrases
from kogpt_funcs.models.tokenizers.kogpt2 import Tokenizer

WORDS = [
    "바람",
    "소리가",
    "멀리서",
    "들려왔다",
    "그는",
    "천천히",
    "고개를",
    "돌려",
    "어두운",
    "골목을",
    "바라보았다",
    "비가",
    "시작했다",
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(ROOT / "weights" / "small" / "tokenizer.json")


def novel(sentences: int, seed: int = 0) -> list[str]:
    """Lines of prose of one to nine sentences."""
    rng = random.Random(seed)
    made = [
        " ".join(rng.choices(WORDS, k=rng.randint(2, 14))) + rng.choice([".", "?", "!", "…"]) for _ in range(sentences)
    ]
    lines = []
    while made:
        take = rng.randint(1, 9)
        lines.append(" ".join(made[:take]))
        made = made[take:]
    return lines


@pytest.mark.parametrize("length", [32, 510, 1022])
def test_phrases_are_full_and_lose_nothing(tokenizer: Tokenizer, length: int) -> None:
    lines = novel(600)

    def count(text: str) -> int:
        return len(tokenizer.encode([text]))

    found = list(phrases(lines, count, length))
    assert " ".join(found).split() == " ".join(lines).split()
    assert max(map(count, found)) <= length
    assert all(phrase.endswith((".", "?", "!", "…")) for phrase in found) or length == 32
    longest = max(count(sentence) for line in lines for sentence in line.split(". "))
    assert all(count(phrase) > length - longest - 40 for phrase in found[:-1])  # no room for a further sentence


def test_a_sentence_without_an_end_is_cut_between_words_and_a_word_between_letters(tokenizer: Tokenizer) -> None:
    text = " ".join(WORDS * 30)
    found = list(phrases([text], lambda t: len(tokenizer.encode([t])), 64))
    assert " ".join(found) == text
    pieces = list(phrases(["가나다라마바사아" * 30], lambda t: len(tokenizer.encode([t])), 16))
    assert "".join("".join(pieces).split()) == "가나다라마바사아" * 30
    assert all(len(tokenizer.encode([piece])) <= 16 for piece in pieces)


def test_a_novel_becomes_jsonl_for_the_shipped_context(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "a.txt").write_bytes("\r\n\r\n".join(novel(300)).encode("cp949", "replace"))
    done = run("pack", tmp_path / "a.txt", "--out", tmp_path / "out.jsonl")
    assert done.returncode == 0, done.stderr.decode()
    report = json.loads(done.stdout)
    rows = [json.loads(line)["text"] for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    context = json.loads((ROOT / "weights/small/config.json").read_text())["n_positions"]
    assert report["length"] == context - 2
    assert report["phrases"] == len(rows) > 1
    assert report["longest"] == max(len(tokenizer.encode([row])) for row in rows) <= context - 2


def test_documents_of_a_table_do_not_run_together(tmp_path: Path) -> None:
    rows = [{"본문": "하나.\n둘."}, {"본문": "셋."}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    done = run("pack", tmp_path / "a.jsonl", "--column", "본문", "--out", tmp_path / "out.txt")
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "out.txt").read_text("utf-8") == "하나. 둘.\n셋.\n"


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        ("\n\n", [], "No text in a.txt"),
        ("", [], "is empty"),
        ("가\n", ["--tokenizer", "nothing"], "No checkpoint 'nothing'"),
    ],
)
def test_what_cannot_be_packed_gets_a_sentence(tmp_path: Path, content: str, options: list[str], sentence: str) -> None:
    (tmp_path / "a.txt").write_text(content, "utf-8")
    done = run("pack", tmp_path / "a.txt", "--out", tmp_path / "out.jsonl", *options)
    assert done.returncode == 1
    assert sentence in done.stderr.decode()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
