"""`python benchmarks/replicas.py ADDRESS [SECONDS]`: what one replica of each kind does, asked over REST.

Start one of each: `kogpt serve --ray`. Printed: requests a second and the middle and worst latency, for
what needs no model (the API's replica), for a classification and for a text of 32 tokens.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from typing import Any

import httpx

ASKED: dict[str, tuple[str, dict[str, Any] | None, int]] = {  # name: (path, body, clients)
    "health, no model": ("/api/health", None, 8),
    "classify_emotion": ("/api/classify_emotion", {"text": "내일 시험인데 하나도 못 했어. 어떡하지?"}, 8),
    "continue_text, 32 tokens": (
        "/api/continue_text",
        {"text": "인생을 즐겁게 살기 위해서는", "max_new_tokens": 32, "stop_at_sentence_end": False},
        16,
    ),
}


def measured(address: str, path: str, body: dict[str, Any] | None, clients: int, seconds: float) -> dict[str, Any]:
    """`clients` ask one request after another for `seconds`."""
    over = time.monotonic() + seconds
    took: list[float] = []
    failed: list[int] = []

    def ask(number: int) -> None:
        with httpx.Client(base_url=address, timeout=300, trust_env=False) as http:
            while time.monotonic() < over:
                began = time.monotonic()
                answer = http.get(path) if body is None else http.post(path, json=body)
                took.append(time.monotonic() - began)
                if answer.status_code != 200:
                    failed.append(answer.status_code)

    began = time.monotonic()
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed = time.monotonic() - began
    return {
        "clients": clients,
        "requests_per_second": round(len(took) / passed, 1),
        "median_ms": round(statistics.median(took) * 1000),
        "worst_ms": round(max(took) * 1000),
        "failed": len(failed),
    }


def main(address: str, seconds: float = 20) -> None:
    for name, (path, body, clients) in ASKED.items():
        measured(address, path, body, clients, 3)  # warm
        print(json.dumps({"what": name, **measured(address, path, body, clients, seconds)}, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1], *map(float, sys.argv[2:]))
