"""`python -m kogpt_funcs.benchmarking ENGINE FOLDER`: the other end of worker.Worker."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from kogpt_funcs.benchmarking.documents import Document
from kogpt_funcs.benchmarking.engines import ContinuousBatching, CTranslate2, Engine, Ours, Transformers
from kogpt_funcs.benchmarking.llama_cpp import LlamaCpp
from kogpt_funcs.benchmarking.prompts import Prompt

ENGINES: dict[str, type[Engine]] = {
    "transformers": Transformers,
    "transformers-continuous": ContinuousBatching,
    "ctranslate2-int8": CTranslate2,
    "llama.cpp-q8_0": LlamaCpp,
    "ours": Ours,
}


def main(engine: str, folder: str) -> None:
    """Loads the engine, then answers each line of stdin by one of stdout until stdin ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not mix with the answers
    try:
        loaded = ENGINES[engine](Path(folder))
        _say(answers, {"ready": True})
        for line in sys.stdin:
            _say(answers, _answer(loaded, json.loads(line)))
    except ImportError as error:
        _say(answers, {"missing": f"{error.name or error} is not installed"})
    except Exception as error:
        _say(answers, {"missing": f"{type(error).__name__}: {error}".splitlines()[0]})
    answers.flush()
    os._exit(0)  # libraries' threads must not keep the process


def _answer(engine: Engine, request: dict[str, Any]) -> dict[str, Any]:
    if "function" in request:
        return {"seconds": _call(request["function"], request["data"], request["times"])}
    if "documents" in request:
        return {"bits": engine.bits([Document(*document) for document in request["documents"]])}
    if "limits" in request:
        return {"limits": engine.limits()}
    if "contexts" in request:
        return {"contexts": engine.contexts(request["contexts"])}
    prompts = [Prompt(*prompt) for prompt in request["prompts"]]
    if "profile" in request:
        return {"profile": engine.profile(prompts, request["new"])}
    started = time.perf_counter()
    tokens = engine.write(prompts, request["new"])
    return {"tokens": tokens, "seconds": time.perf_counter() - started}


def _call(name: str, data: dict[str, Any], times: int) -> list[float]:
    from kogpt_funcs.contract import registry

    function = registry.get(name)
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        function.call(function.parse(data))
        seconds.append(time.perf_counter() - started)
    return seconds


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer, ensure_ascii=False) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
