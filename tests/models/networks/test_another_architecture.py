"""A further architecture is one file: with it alone the decoder, int8, adapters and training take it. Without it,
none does.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from package_copy import ROOT, copy_package, run
from transformers import LlamaConfig, LlamaForCausalLM

LLAMA = ROOT / "tests" / "architectures" / "llama.py"
ASK = """
import sys, torch
from kogpt_funcs.contract import settings
from kogpt_funcs.models.bases.language_model import LanguageModel
from kogpt_funcs.models.bases.loading import load
from kogpt_funcs.models.networks.network import Work
from pathlib import Path
folder = sys.argv[1]
plain = load(Path(folder))
prompts = [[9, 500, 600, 700, 41], [800, 11]]
for dtype, close in (("fp32", 1e-4), ("int8", 0.3)):
    settings.replace(base=folder, engine=dtype)
    network = LanguageModel(folder).network
    got = network.forward([Work(ids, network.cache(), None) for ids in prompts])
    with torch.no_grad():
        wanted = torch.stack([plain(input_ids=torch.tensor([ids])).logits[0, -1] for ids in prompts])
    assert float((got - wanted).abs().max() / wanted.std()) < close, dtype
print("as transformers")
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A tiny Llama with random weights and the small base's tokenizer."""
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=8192,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=3,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path / "llama")
    shutil.copy(ROOT / "weights" / "small" / "tokenizer.json", tmp_path / "llama")
    return tmp_path / "llama"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the program with that one file more."""
    home = copy_package(tmp_path / "home")
    shutil.copy(LLAMA, home / "kogpt_funcs" / "models" / "networks")
    return home


def test_the_decoder_runs_it_in_fp32_and_int8(home: Path, base: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ASK, str(base)], cwd=home, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "as transformers\n"), done.stderr


def test_an_adapter_is_trained_and_answers(home: Path, base: Path, tmp_path: Path) -> None:
    lines = "".join(f"저는 {n}번 버스를 타요.\t나는 {n}번 버스를 타.\n" for n in range(200))
    (tmp_path / "pairs.tsv").write_text(f"formal\tinformal\n{lines}", "utf-8")
    weights = {"KOGPT_WEIGHTS": str(tmp_path / "weights"), "KOGPT_BASE": str(base)}
    options = [
        "--base",
        base,
        "--data",
        tmp_path / "pairs.tsv",
        "--epochs",
        "1",
        "--rank",
        "4",
        "--run",
        tmp_path / "run",
    ]
    done = run("train", "change_style", *options, home=home, environment=weights)
    assert done.returncode == 0, done.stderr.decode()
    place = tmp_path / "weights" / "llama" / "change_style"
    assert len(json.loads((place / "adapter_config.json").read_text())["target_modules"]) == 7
    done = run(
        "call", "change_style", '{"text": "저는 3번 버스를 타요.", "max_new_tokens": 8}', home=home, environment=weights
    )
    assert done.returncode == 0, done.stderr.decode()
    assert "text" in json.loads(done.stdout)


def test_without_the_file_it_continues_plain_text_alone(base: Path) -> None:
    done = run("call", "change_style", '{"text": "저는 버스를 타요."}', environment={"KOGPT_BASE": str(base)})
    assert done.returncode == 1
    assert "cannot run change_style" in done.stderr.decode()
