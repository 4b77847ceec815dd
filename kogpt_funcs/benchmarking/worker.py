"""One engine in a process of its own, so that none shares threads or memory with another: a line of JSON in, a line
out.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kogpt_funcs.benchmarking.documents import Document
from kogpt_funcs.benchmarking.prompts import Prompt
from kogpt_funcs.contract.errors import KogptError


class Missing(KogptError):
    """An engine that is not installed, or cannot run this checkpoint, with the sentence that says so."""

    code = "missing_engine"


class Worker:
    """The parent's end: `write` runs in the other process and says how long it took there."""

    def __init__(self, engine: str, folder: Path) -> None:
        self.engine = engine
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kogpt_funcs.benchmarking", engine, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        try:
            self._answer()
        except Missing:
            self.close()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def write(self, prompts: Sequence[Prompt], new: int) -> tuple[int, float]:
        """Tokens made and seconds taken."""
        answer = self._ask({"prompts": list(prompts), "new": new})
        return int(answer["tokens"]), float(answer["seconds"])

    def call(self, function: str, data: dict[str, Any], times: int) -> list[float]:
        """Seconds of each of `times` direct calls of a function."""
        return [
            float(seconds) for seconds in self._ask({"function": function, "data": data, "times": times})["seconds"]
        ]

    def bits(self, documents: Sequence[Document]) -> float:
        """Bits that the engine's weights need for the counted ids of `documents`."""
        return float(self._ask({"documents": list(documents)})["bits"])

    def limits(self) -> dict[str, float]:
        """What the processor allows with the engine's weights."""
        return dict(self._ask({"limits": True})["limits"])

    def contexts(self, streams: int) -> dict[str, float]:
        """Seconds of a step of so many streams, by the tokens before it."""
        return dict(self._ask({"contexts": streams})["contexts"])

    def profile(self, prompts: Sequence[Prompt], new: int) -> dict[str, float]:
        """Where the time of writing goes, in shares."""
        return dict(self._ask({"profile": True, "prompts": list(prompts), "new": new})["profile"])

    def close(self) -> None:
        self._process.terminate()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe:
                    pipe.close()
        self._process.wait()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # its end is told below
            self._process.stdin.write(json.dumps(request, ensure_ascii=False) + "\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"missing": f"its process ended with status {self._process.wait(30)}"}
        if "missing" in answer:
            raise Missing(f"{self.engine} is left out: {answer['missing']}.")
        return answer
