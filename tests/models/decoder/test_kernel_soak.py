"""Half an hour of sixteen streams on the kernels, both bases in turn: adapters change from request to request, some
leave in the middle. No answer may differ from the first one, no memory may grow. `make soak` runs it;
KOGPT_SOAK_SECONDS makes it shorter.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter

import psutil
import pytest
from package_copy import ROOT

from kogpt_funcs.models import Generation, Special
from kogpt_funcs.models.bases.language_model import LanguageModel
from kogpt_funcs.models.networks.kernels import library

SECONDS = float(os.environ.get("KOGPT_SOAK_SECONDS", "1800")) / 2  # of each base
STREAMS = 16
TEXTS = ("인생을 즐겁게 살기 위해서는", "그날 밤, 나는 오래된 편지를", "비가 오는 날이면", "바다 건너 섬에는")


class Crowd:
    """Sixteen threads that ask one engine for texts whose answers are known."""

    def __init__(self, base: str) -> None:
        self.model = LanguageModel(base)
        folders = sorted((ROOT / "weights" / base).glob("*/adapter_config.json"))
        tuned = [f.parent.name for f in folders if not (f.parent / "head.safetensors").exists()]
        self.asked = [(text, adapter, seed) for text in TEXTS for adapter in (None, *tuned) for seed in (1, 2)]
        self.expected = [self.write(which) for which in range(len(self.asked))]
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []

    def write(self, which: int, leave_after: int | None = None) -> str | None:
        """The answer to request number `which`; None for who leaves after so many snapshots."""
        text, adapter, seed = self.asked[which]
        request = Generation(
            prompt=[Special("<s>"), text], seed=seed, max_new_tokens=16 + 24 * (which % 4), min_new_tokens=8
        )
        snapshots = self.model.engine.generate(request, self.model.adapter(adapter) if adapter else None)
        answer = ""
        for count, (sample,) in enumerate(snapshots):
            answer = sample.text
            if count == leave_after:
                snapshots.close()  # type: ignore[attr-defined]
                return None
        return answer

    def client(self, number: int, until: float) -> None:
        rng = random.Random(number)
        while time.monotonic() < until:
            which = rng.randrange(len(self.asked))
            answer = self.write(which, rng.randrange(3) if rng.random() < 0.2 else None)
            self.seen["left" if answer is None else "answered"] += 1
            if answer is not None and answer != self.expected[which]:
                self.wrong.append(f"{self.asked[which]}: {answer!r}, not {self.expected[which]!r}")

    def run(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=self.client, args=(i, until)) for i in range(STREAMS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@pytest.mark.soak
@pytest.mark.skipif(library() is None, reason="no library for this machine")
@pytest.mark.parametrize("base", ["small", "gemma"])
def test_sixteen_streams_stay_right_and_hold_no_memory(base: str) -> None:
    crowd = Crowd(base)
    assert len({answer for answer in crowd.expected if answer}) > len(crowd.expected) // 2
    crowd.run(SECONDS / 4)  # what is kept of prompts fills up
    before, speed = psutil.Process().memory_info().rss, crowd.seen["answered"] / (SECONDS / 4)
    crowd.run(SECONDS * 3 / 4)
    assert crowd.wrong == []
    assert crowd.seen["left"] > 0
    assert psutil.Process().memory_info().rss - before < 48 << 20
    print(f"{base}: {dict(crowd.seen)}, at first {speed:.1f} answers a second")
    crowd.model.close()
