"""The decoder in C: the one that ships, or one built here, or none; the same on any number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from package_copy import ROOT
from transformers import GPT2Config, GPT2LMHeadModel

from kogpt_funcs.models.bases.loading import load
from kogpt_funcs.models.networks.compiled import CompiledNetwork
from kogpt_funcs.models.networks.kernels import ISAS, building, library
from kogpt_funcs.models.networks.network import Work

needs_kernels = pytest.mark.skipif(library() is None, reason="no library for this machine")
needs_compiler = pytest.mark.skipif(library() is None or building.compiler() is None, reason="needs a C compiler")
WRITE = """
import sys
from pathlib import Path
from kogpt_funcs import models
from kogpt_funcs.models import Generation, Special
from kogpt_funcs.models.networks.kernels import building
building.PREBUILT = Path(sys.argv[1])
prompt = [Special("<s>"), "인생을 즐겁게 살기 위해서는"]
*_, (sample,) = models.generate(Generation(prompt=prompt, seed=1, max_new_tokens=24))
print(models.resident()["checkpoints"][0]["engine"], sample.text.replace("\\n", " "))
"""


def written(shipped: Path = building.PREBUILT, **environment: str) -> list[str]:
    """The engine, and what it wrote, in a process of its own that finds the library that ships in `shipped`."""
    command = [sys.executable, "-c", WRITE, str(shipped)]
    environment = {**os.environ, "KOGPT_BASE": "small", **environment}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.strip().split(" ", 1)


def test_what_ships_was_built_from_these_sources() -> None:
    """Otherwise it is not used. `make kernels` builds it again."""
    assert {path.name for path in building.PREBUILT.iterdir()} == {building.name_of(isa) for isa in ISAS}


@needs_kernels
def test_any_number_of_threads_writes_the_same() -> None:
    answers = [written(KOGPT_THREADS=threads) for threads in ("1", "2", "5")]
    assert answers[0][0] == "compiled"
    assert answers[0] == answers[1] == answers[2]


@needs_kernels
def test_what_ships_needs_no_compiler_and_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert written(PATH=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "file"))[0] == "compiled"


@needs_compiler
def test_where_what_ships_does_not_load_it_is_built_once(tmp_path: Path) -> None:
    ships, expected = tmp_path / "ships", written()
    ships.mkdir()
    assert written(ships, XDG_CACHE_HOME=str(tmp_path)) == expected
    first = {path: path.stat().st_mtime_ns for path in (tmp_path / "kogpt").glob("*.so")}
    for isa in ISAS:  # as another C library would refuse it
        (ships / building.name_of(isa)).write_bytes(b"\x7fELF")
    assert written(ships, XDG_CACHE_HOME=str(tmp_path)) == expected
    assert first == {path: path.stat().st_mtime_ns for path in (tmp_path / "kogpt").glob("*.so")} != {}


def test_without_either_torch_writes(tmp_path: Path) -> None:
    assert written(tmp_path, PATH=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))[0] == "torch"


@needs_compiler
def test_a_compiler_that_fails_is_done_without(tmp_path: Path) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\nexit 1\n")
    compiler.chmod(0o755)
    assert written(tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}", XDG_CACHE_HOME=str(tmp_path))[0] == "torch"
    assert not list((tmp_path / "kogpt").glob("*.so"))


@needs_compiler
def test_a_cache_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert written(tmp_path, XDG_CACHE_HOME=str(tmp_path / "file"))[0] == "compiled"


@needs_kernels
def test_a_vocabulary_of_any_size_and_a_prompt_in_pieces() -> None:
    """Outputs are padded to whole registers inside; nobody sees it."""
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=333, n_positions=200, n_embd=64, n_layer=2, n_head=4)).eval()
    network = CompiledNetwork(model)
    ids = torch.randint(0, 333, (150,)).tolist()
    cache, whole = network.cache(), network.forward([Work(ids, network.cache(), None)], every=True)
    for start in range(0, 150, 37):
        last = network.forward([Work(ids[start : start + 37], cache, None)])
    assert whole.shape == (150, 333)
    assert torch.equal(last[0], whole[-1])
    with torch.no_grad():
        expected = model(input_ids=torch.tensor([ids])).logits[0]
    assert float((whole - expected).abs().max() / expected.std()) < 0.3
    values, found = network.top(whole, 20)
    assert torch.equal(values, whole.topk(20).values)
    assert torch.equal(whole.gather(1, found), values)


@needs_kernels
@pytest.mark.parametrize(
    "options",
    [{"n_embd": 48}, {"n_head": 8}, {"activation_function": "relu"}, {"scale_attn_by_inverse_layer_idx": True}],
    ids=str,
)
def test_shapes_it_does_not_run(options: dict[str, object]) -> None:
    assert CompiledNetwork.fits(GPT2Config(**{"n_embd": 64, "n_head": 4}))
    assert not CompiledNetwork.fits(GPT2Config(**{"n_embd": 64, "n_head": 4, **options}))


def test_the_shipped_base_runs_compiled() -> None:
    assert library() is None or CompiledNetwork.fits(load(ROOT / "weights" / "small").config)
