"""`kogpt generate`: the first prompt, then those typed; samples kept with the settings that made them."""

from __future__ import annotations

import json
from pathlib import Path

from package_copy import run


def entries(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_given_prompt_then_typed_ones_are_continued_and_kept(tmp_path: Path) -> None:
    options = [
        "--length",
        "8",
        "--temperature",
        "0.5",
        "--top-k",
        "10",
        "--seed",
        "3",
        "--out",
        tmp_path / "samples.jsonl",
    ]
    done = run("generate", "--text", "사랑", *options, stdin="\n고양이는\r\n".encode())
    assert done.returncode == 0, done.stderr.decode()
    kept = entries(tmp_path / "samples.jsonl")
    assert [entry["prompt"] for entry in kept] == ["사랑", "고양이는"]
    assert done.stdout.decode() == "".join(f"{entry['prompt']}{entry['samples'][0]}\n" for entry in kept)
    settings = {
        "base": "small",
        "adapter": None,
        "length": 8,
        "temperature": 0.5,
        "top_k": 10,
        "top_p": 0.9,
        "seed": 3,
        "num_samples": 1,
    }
    assert all(entry.items() >= settings.items() and entry["date"] for entry in kept)
    again = run("generate", "--loops", "1", *options, stdin="고양이는\n다음은\n".encode())
    assert again.returncode == 0, again.stderr.decode()
    assert [entry["samples"] for entry in entries(tmp_path / "samples.jsonl")[1:]] == [
        kept[1]["samples"]
    ] * 2  # a seed repeats; --loops 1 ends


def test_what_goes_wrong_is_a_sentence(tmp_path: Path) -> None:
    done = run("generate", "--text", "\u200b", "--loops", "1", "--out", tmp_path / "samples.jsonl")
    assert (done.returncode, done.stdout) == (0, b"")
    assert "비어 있습니다" in done.stderr.decode()
    done = run("generate", "--text", "글", "--adapter", "nothing", "--out", tmp_path / "samples.jsonl")
    assert done.returncode == 1
    assert "No adapter 'nothing'" in done.stderr.decode()
    done = run("generate", "--text", "글", "--length", "2", "--out", tmp_path / "no" / "samples.jsonl")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr.decode()
