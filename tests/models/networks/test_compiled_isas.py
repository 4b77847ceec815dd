"""Every instruction set that the machine has gives the same, and none that it lacks is ever loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from package_copy import ROOT

from kogpt_funcs.command.kernels import kernels as kernels_command
from kogpt_funcs.models.networks import kernels
from kogpt_funcs.models.networks.compiled_check import TOLERANCE, check, logits
from kogpt_funcs.models.networks.kernels import ISAS, available, building, loaded, runnable

pytestmark = pytest.mark.skipif(loaded("portable") is None, reason="neither a library that ships nor a C compiler")
AVX2, VNNI, AMX = 1, 2, 4


def kogpt(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kogpt_funcs", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("isa", available())
def test_every_set_gives_what_the_portable_one_gives(isa: str) -> None:
    expected, found = logits(loaded("portable")), logits(loaded(isa))
    assert float((found - expected).abs().max() / expected.std()) <= TOLERANCE
    if (
        isa != "portable" and "avx2" in available()
    ):  # sets that fuse a multiplication and an addition: no bit may differ
        assert torch.equal(found, logits(loaded("avx2")))


def test_a_processor_is_given_only_what_it_has() -> None:
    assert runnable(0) == ["portable"]
    assert runnable(AVX2) == ["avx2", "portable"]
    assert runnable(AVX2 | VNNI) == ["avx512vnni", "avx2", "portable"]
    assert runnable(AVX2 | VNNI | AMX) == list(ISAS)


@pytest.mark.parametrize(("bits", "isa"), [(0, "portable"), (AVX2, "avx2"), (AVX2 | VNNI, "avx512vnni")])
def test_no_library_is_opened_that_the_processor_lacks(bits: int, isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even its constructors may run: opened is what would run an illegal instruction."""
    if isa not in available():
        pytest.skip(f"this processor has no {isa}")
    opened: list[str] = []
    find = kernels.shipped
    monkeypatch.setattr(kernels, "loaded", kernels.loaded.__wrapped__)  # nothing remembered
    monkeypatch.setattr(kernels, "shipped", lambda name: opened.append(name) or find(name))
    monkeypatch.setattr(kernels, "processor", lambda portable: bits)
    assert kernels.library().isa == isa
    assert set(opened) == {"portable", isa}


def test_linux_says_the_same_of_this_processor() -> None:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        pytest.skip("no /proc/cpuinfo")
    flags = set(next((line for line in cpuinfo.read_text().splitlines() if line.startswith("flags")), "").split())
    bits = kernels.processor(loaded("portable"))
    assert bool(bits & AVX2) == ({"avx2", "fma", "f16c", "bmi1", "bmi2", "movbe", "abm"} <= flags)
    assert bool(bits & VNNI) == ({"avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512cd", "avx512_vnni"} <= flags)
    assert not bits & AMX or {"amx_tile", "amx_int8"} <= flags


@pytest.mark.parametrize("isa", available())
def test_kogpt_isa_chooses(isa: str) -> None:
    done = kogpt("kernels", KOGPT_ISA=isa)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines() if "chosen" in line] == [isa]


def test_kogpt_isa_that_is_none_or_not_here() -> None:
    done = kogpt("kernels", KOGPT_ISA="mmx")
    assert done.returncode == 1
    assert "KOGPT_ISA has value 'mmx'. It must be one of: auto, amx, avx512vnni, avx2, portable." in done.stderr
    for isa in set(ISAS) - set(available()):
        done = kogpt("kernels", KOGPT_ISA=isa)
        assert done.returncode == 1
        assert f"KOGPT_ISA has value {isa!r}. This processor runs: " in done.stderr


@pytest.mark.skipif(building.compiler() is None, reason="needs a C compiler")
def test_what_ships_and_what_is_built_again_behave_alike() -> None:
    sentences = list(check())
    assert all(any(s.startswith(f"{isa}: the same") for s in sentences) for isa in available())
    assert sum("built again" in s for s in sentences) == len(available())


_ALL_PASSES = """
import ctypes, sys, torch
from kogpt_funcs.models.networks.compiled_check import logits
library = ctypes.CDLL(sys.argv[1])
library.start_threads(2)
logits(library)
rows, ids, values = torch.randn(3, 333), torch.empty(3, 7, dtype=torch.int32), torch.empty(3, 7)
library.top(*(ctypes.c_void_p(rows.data_ptr()), 3, 333, 7, *(ctypes.c_void_p(x.data_ptr()) for x in (ids, values))))
"""


@pytest.mark.parametrize("isa", available())
def test_no_set_reads_or_writes_past_an_end(isa: str, tmp_path: Path) -> None:
    """By AddressSanitizer, over the passes of both architectures; their widths are no multiples of the kernels'."""
    compiler = building.compiler()
    sanitizer = compiler and subprocess.run(
        [compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    )
    if not (compiler and sanitizer and Path(sanitizer.stdout.strip()).is_absolute()):
        pytest.skip("needs a C compiler with AddressSanitizer")
    building.build(isa, tmp_path / "kernels.so", compiler, "-O1", "-g", "-fsanitize=address")
    done = subprocess.run(
        [sys.executable, "-c", _ALL_PASSES, str(tmp_path / "kernels.so")],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": sanitizer.stdout.strip(), "ASAN_OPTIONS": "detect_leaks=0"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:3000]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [(None, "None runs on aarch64 here: torch writes."), ("portable", "On aarch64 the portable one runs")],
)
def test_another_processor_is_told_what_runs(chosen: str | None, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that ships is for it: the portable library is built, or torch writes."""
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert [kernels.shipped(isa) for isa in ISAS] == [None] * len(ISAS)
    monkeypatch.setattr(kernels, "library", lambda: chosen and loaded(chosen))
    monkeypatch.setattr(kernels, "available", lambda: [chosen] if chosen else [])
    done = CliRunner().invoke(kernels_command, [])
    assert done.exit_code == 0
    assert said in done.output
