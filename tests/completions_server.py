"""A server that speaks OpenAI's completions API with a shipped base behind it; some of its models break on purpose.

`python completions_server.py PORT`: models `base` (sound), its adapters, `locked` (wants KEY), `strict`
(refuses fields it does not know), `merged` (sends all at once), `endless` (never stops), and busy, down, failing, cut,
unfinished, garbled, page, which fail as they are called. GET /seen tells the last request and how many clients have
left before the end.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kogpt_funcs import models
from kogpt_funcs.contract import settings
from kogpt_funcs.models import Generation, Special
from kogpt_funcs.models.bases import checkpoints

KEY = "sk-a-key-that-nobody-may-see"
_STANDARD = {"model", "prompt", "stream", "n", "temperature", "top_p", "max_tokens", "seed", "stop"}
_STATUS = {"busy": 429, "down": 503, "failing": 500}
BASE = settings.current().base
#: The first by its own name, as vLLM has it, the others as Ray Serve LLM does.
ADAPTERS = {
    f"base:{file.parent.name}" if i else file.parent.name: file.parent.name
    for i, file in enumerate(sorted(checkpoints.place(BASE).glob("*/adapter_config.json")))
}
MODELS = {
    "object": "list",
    "data": [
        {"id": name, "object": "model", "created": 1, "owned_by": "test", "root": BASE, "parent": None}
        for name in ("base", *ADAPTERS)
    ],
}
seen: dict[str, Any] = {"request": None, "left": 0}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.whole(200, MODELS if self.path == "/v1/models" else seen)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        seen["request"] = asked
        name = asked["model"]
        if name in _STATUS:
            return self.whole(_STATUS[name], {"error": {"message": "no"}}, {"Retry-After": "7"})
        if name == "locked" and self.headers["Authorization"] != f"Bearer {KEY}":
            return self.whole(401, {"error": {"message": f"Incorrect API key: {self.headers['Authorization']}"}})
        if name == "strict" and (unknown := set(asked) - _STANDARD):
            return self.whole(400, {"error": {"message": f"Unknown fields {unknown}"}})
        if name == "page":
            return self.whole(200, "<html>", {"Content-Type": "text/html"})
        if self.path != "/v1/completions" or name == "nothing":
            return self.whole(404, {"error": {"message": "no such model"}})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self.stream(name, asked)
        except OSError:
            seen["left"] += 1
        return None

    def stream(self, name: str, asked: dict[str, Any]) -> None:
        for number, event in enumerate(
            endless() if name == "endless" else events(asked, 1000 if name == "merged" else 1)
        ):
            if number == 3 and name == "cut":
                self.close_connection = True
                return
            if number == 3 and name == "garbled":
                self.chunk("data: {not json\n\n")
            if name == "unfinished" and event["choices"][0]["finish_reason"]:
                break
            self.chunk(f"data: {json.dumps(event)}\n\n")
        self.chunk("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, text: str) -> None:
        self.wfile.write(f"{len(text.encode()):x}\r\n".encode() + text.encode() + b"\r\n")

    def whole(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def pieces(prompt: str) -> list[Special | str]:
    """The prompt as a tokenizer reads it: names of special tokens are these tokens, wherever they stand."""
    parts = re.split(r"(<unused\d+>|</s>|<eos>)", prompt)
    return [Special("</s>" if p == "<eos>" else p) if re.fullmatch("<.+>", p) else p for p in parts if p]


def events(asked: dict[str, Any], at_once: int) -> Iterator[dict[str, Any]]:
    """What the shipped base writes, as a server of n choices sends it: two characters are a token here."""
    request = Generation(
        prompt=[Special("<s>"), *pieces(asked["prompt"])]
        if asked["model"] not in ADAPTERS
        else pieces(asked["prompt"]),
        adapter=ADAPTERS.get(asked["model"]),
        num_samples=asked["n"],
        temperature=asked["temperature"],
        top_p=asked["top_p"],
        seed=asked.get("seed"),
        max_new_tokens=asked["max_tokens"],
        min_new_tokens=asked.get("min_tokens", 1),
    )
    *_, samples = models.generate(request)
    rows = [
        [sample.text[i : i + 2] for i in range(0, len(sample.text), 2)][: asked["max_tokens"]] for sample in samples
    ]
    for start in range(0, max(map(len, rows)), at_once):
        for index, row in enumerate(rows):
            if tokens := row[start : start + at_once]:
                yield event(index, tokens, None)
    for index, sample in enumerate(samples):
        yield event(index, [], "length" if sample.finish_reason == "length" else "stop")


def endless() -> Iterator[dict[str, Any]]:
    while True:
        time.sleep(0.02)
        yield event(0, [" 또"], None)


def event(index: int, tokens: list[str], finish_reason: str | None) -> dict[str, Any]:
    choice = {"index": index, "text": "".join(tokens), "finish_reason": finish_reason, "logprobs": {"tokens": tokens}}
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "base", "choices": [choice]}


if __name__ == "__main__":
    list(models.generate(Generation(prompt=["안녕"], max_new_tokens=8)))  # loads the base before anybody asks
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
