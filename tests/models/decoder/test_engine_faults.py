"""What goes wrong inside the running batch ends one request alone; memory that runs out comes back."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from decoder_bases import Base
from package_copy import ROOT
from test_engine import PROMPTS, fresh_cache, generation, write

from kogpt_funcs.contract.errors import Busy, KogptError
from kogpt_funcs.models import Generation, Special
from kogpt_funcs.models.bases.language_model import LanguageModel
from kogpt_funcs.models.networks.network import Work

__all__ = ["fresh_cache"]  # a fixture


class Faulty(RuntimeError):
    pass


@pytest.fixture
def model() -> Iterator[LanguageModel]:
    model = LanguageModel("small")
    yield model
    model.close()


def broken(model: LanguageModel, marker: int, error: BaseException) -> None:
    """From now on a pass over a sequence whose newest tokens hold `marker` raises `error`."""
    forward = model.network.forward

    def failing(work: Sequence[Work], **options: Any) -> torch.Tensor:
        if any(marker in piece.ids for piece in work):
            raise error
        return forward(work, **options)

    model.network.forward = failing  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("error", "told"), [(Faulty("안에서"), Faulty), (torch.OutOfMemoryError(), Busy), (MemoryError(), Busy)], ids=repr
)
def test_a_request_that_raises_fails_alone(model: LanguageModel, error: BaseException, told: type[Exception]) -> None:
    marker = model.tokenizer.encode([Special("<unused50>")])[0]
    broken(model, marker, error)
    answers: list[Any] = []

    def ask(request: Generation) -> None:
        try:
            *_, last = model.engine.generate(request, None)
            answers.append(last[0].tokens)
        except (KogptError, Faulty) as raised:
            answers.append(raised)

    bad = Generation(prompt=[Special("<unused50>"), "안녕"])
    requests = [generation(PROMPTS[0]), bad, generation(PROMPTS[1]), bad]
    threads = [threading.Thread(target=ask, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failed = [answer for answer in answers if isinstance(answer, Exception)]
    assert [type(answer) for answer in failed] == [told, told]
    assert len(answers) == 4
    assert write(generation(PROMPTS[0]))


HUNGRY = """
import resource
from kogpt_funcs import models
from kogpt_funcs.contract.errors import Busy
from kogpt_funcs.models import Generation, Special

def write(**options):
    *_, last = models.generate(Generation(prompt=[Special("<s>"), "옛날 옛적에"], seed=1, **options))
    return last

before = write(max_new_tokens=16)
size = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmSize"))
resource.setrlimit(resource.RLIMIT_AS, (size + 12_000_000, resource.RLIM_INFINITY))
try:
    write(num_samples=20, max_new_tokens=400, min_new_tokens=400)
    print("no limit reached")
except Busy as busy:
    print("busy", busy.retry_after)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(write(max_new_tokens=16) == before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits a process's memory as Linux does")
def test_memory_that_runs_out_is_busy_and_comes_back(base: Base) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HUNGRY],
        cwd=ROOT,
        env={
            **os.environ,
            "KOGPT_BASE": base.name,
            "KOGPT_ENGINE": base.engine,
            "MALLOC_ARENA_MAX": "1",
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout.split("\n")[:2], done.returncode) == (["busy 10", "True"], 0), done.stderr[-2000:]
