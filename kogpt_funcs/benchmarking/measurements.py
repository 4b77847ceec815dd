"""What `kogpt bench` measures. Engines take turns within each repeat, so that a busy moment of the machine hits them
alike.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from kogpt_funcs.benchmarking.classifying import measure_classifier
from kogpt_funcs.benchmarking.documents import read_documents
from kogpt_funcs.benchmarking.limits import most
from kogpt_funcs.benchmarking.prompts import Prompt, prompts
from kogpt_funcs.benchmarking.residence import peak_of, resident
from kogpt_funcs.benchmarking.servers import GradioDemo, OurServer, Server
from kogpt_funcs.benchmarking.worker import Missing, Worker
from kogpt_funcs.models.bases import checkpoints

OURS, BASELINE = "ours", "transformers"
_REST = 0.3  # seconds between two engines, for the threads of the one before to go to sleep
_TEXTS = 64
_LONG = (256, 256)  # tokens of a prompt and of what is written, where memory is measured
_CALLS = 20  # direct calls and requests of a surface's repeat
_SMALL = {"text": "안녕", "max_new_tokens": 8, "temperature": 0}


@dataclass(frozen=True)
class Load:
    """What each engine is given: texts of `prompt` tokens, `new` tokens to write, this many `clients` at once,
    `repeats` times.
    """

    prompt: int = 32
    new: int = 64
    clients: int = 16
    repeats: int = 3


@dataclass
class Figure:
    """One line of the table; `better` says how to read it beside the others of its measurement."""

    what: str
    model: str
    engine: str
    value: float
    unit: str
    better: Literal["more", "less"] = "more"
    repeats: list[float] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Bench:
    """One checkpoint under measurement. Engines are started when first needed and stay until `close`."""

    def __init__(
        self,
        model: str,
        folder: Path,
        load: Load,
        tell: Callable[[str], None],
        text: Path | None = None,
        without: Sequence[str] = (),
    ) -> None:
        self.model, self.folder, self.load, self.tell, self.text = model, folder, load, tell, text
        self.base = model if checkpoints.place(model).is_dir() else str(folder)  # by its name it finds its adapters
        self.prompts = prompts(folder, load.clients, load.prompt)
        self._speed: dict[str, float] = {}  # ours, by what was measured
        self._running: dict[str, Worker | Server | None] = dict.fromkeys(without)
        self._stack = ExitStack()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def stream(self) -> Iterator[Figure]:
        """One stream: tokens a second of one prompt, in process, and over REST."""
        engines = self._workers("transformers", "ctranslate2-int8", "llama.cpp-q8_0", "ours")
        yield from self._speeds("one stream", engines, self.prompts[:1])

    def concurrent(self) -> Iterator[Figure]:
        """All clients at once: tokens a second together. Peers in process get one batch, servers as many requests."""
        engines: dict[str, Worker | Server] = {
            **self._workers("transformers", "transformers-continuous", "ctranslate2-int8", "llama.cpp-q8_0", "ours"),
            **self._servers(),
        }
        yield from self._speeds(f"{self.load.clients} at once", engines, self.prompts)

    def latency(self) -> Iterator[Figure]:
        """Time to the first token on the REST stream while all clients ask at once: median and 95th percentile."""
        server = self._server(OurServer)
        if not isinstance(server, OurServer):
            return
        server.first_tokens(self.prompts, 8)
        seconds = [s for _ in range(self.load.repeats) for s in server.first_tokens(self.prompts, self.load.new)]
        for name, share in (("p50", 50), ("p95", 95)):
            yield self._figure(f"first token, {name}", server.name, percentile(seconds, share), "s", "less", seconds)

    def memory(self) -> Iterator[Figure]:
        """Bytes of the resident weights by /api/health, beside fp32's; and the resident memory of whole processes."""
        server = self._server(OurServer)
        peers = self._workers("transformers")
        if isinstance(server, OurServer):
            held = server.health()["models"]["checkpoints"]
            base = [entry for entry in held if entry["name"] == self.base] or held
            yield self._figure("weights", server.name, sum(entry["bytes"] for entry in base) / 1e6, "MB", "less")
            yield self._figure(
                "weights, all functions", server.name, sum(entry["bytes"] for entry in held) / 1e6, "MB", "less"
            )
        yield self._figure("weights", BASELINE, _parameters(self.folder) * 4 / 1e6, "MB", "less")
        processes: dict[str, Worker | Server] = {**peers, **self._servers()}
        for name, process in processes.items():
            yield self._figure("process", name, resident(process.pid) / 1e6, "MB", "less")
        if isinstance(server, OurServer):
            self.tell(
                f"{self.model}: {_LONG[1]} more tokens after {_LONG[0]}, {self.load.clients} at once, adapters loaded"
            )
            adapters, peak = peak_of(server, self.base, prompts(self.folder, self.load.clients, _LONG[0]), _LONG[1])
            what = f"process, {adapters} adapters, {self.load.clients} streams of {sum(_LONG)}"
            yield self._figure(what, server.name, peak / 1e6, "MB", "less")

    def limits(self) -> Iterator[Figure]:
        """What memory and arithmetic of this processor allow, the share that was reached, and what eats the rest."""
        worker = self._workers(OURS).get(OURS)
        found = worker.limits() if worker else {}
        if not worker or not found:
            self.tell(f"{self.model}: limits are left out, as no kernels run here")
            return
        yield self._figure("memory reads", "processor", found["bytes_a_second"] / 1e9, "GB/s", "more")
        yield self._figure("int8 peak", "processor", found["products_a_second"] / 1e9, "G products/s", "more")
        for what, streams in (("one stream", 1), (f"{self.load.clients} at once", self.load.clients)):
            limit, by = most(found, streams)
            yield self._figure(f"limit, {what}", by, limit, "tokens/s", "more")
            if what in self._speed:
                yield self._figure(f"of the limit, {what}", OURS, 100 * self._speed[what] / limit, "%", "more")
            for name, share in worker.profile(self.prompts[:streams], self.load.new).items():
                yield self._figure(f"time, {what}: {name}", OURS, 100 * share, "%", "less")
        for tokens, seconds in worker.contexts(self.load.clients).items():
            what = f"a step of {self.load.clients} after {int(tokens):,} tokens"
            yield self._figure(what, OURS, 1000 * seconds, "ms", "less")

    def overhead(self) -> Iterator[Figure]:
        """What REST adds to a small request: its median less that of a direct call in another process, turn about."""
        server, worker = self._server(OurServer), self._workers("ours").get("ours")
        if not isinstance(server, OurServer) or worker is None:
            return
        for asked in (worker, server):
            asked.call("continue_text", _SMALL, 3)  # warms up
        direct, rest = [], []
        for _ in range(max(5, self.load.repeats)):
            direct += worker.call("continue_text", _SMALL, _CALLS)
            rest += server.call("continue_text", _SMALL, _CALLS)
        middle = [1000 * statistics.median(seconds) for seconds in (direct, rest)]
        yield self._figure("small request", "ours", middle[0], "ms", "less")
        yield self._figure("small request", server.name, middle[1], "ms", "less")
        yield self._figure("surface overhead", server.name, middle[1] - middle[0], "ms", "less")

    def quality(self) -> Iterator[Figure]:
        """Bits a character on held-out text: fp32's, ours, and how much more ours needs, in per cent."""
        if self.text is None:
            self.tell(f"{self.model}: quality is left out. Name a file of held-out texts: --text FILE")
            return
        held_out = read_documents(self.text, self.folder)
        found = {}
        for name, worker in self._workers(BASELINE, OURS).items():
            self.tell(f"{self.model}, quality, {name}")
            found[name] = worker.bits(held_out.documents) / held_out.characters
            yield self._figure("quality", name, found[name], "bits/char", "less")
        if len(found) == 2:
            yield self._figure("quality lost", OURS, 100 * (found[OURS] / found[BASELINE] - 1), "%", "less")

    def _speeds(self, what: str, engines: Mapping[str, Worker | Server], texts: Sequence[Prompt]) -> Iterator[Figure]:
        speeds: dict[str, list[float]] = {name: [] for name in engines}
        for turn in range(-1, self.load.repeats):  # the first turn warms up
            for name, engine in engines.items():
                if name not in speeds:
                    continue
                self.tell(
                    f"{self.model}, {what}, {name}: "
                    + ("warm-up" if turn < 0 else f"{turn + 1} of {self.load.repeats}")
                )
                time.sleep(_REST)
                try:
                    tokens, seconds = engine.write(texts, 8 if turn < 0 else self.load.new)
                except Missing as missing:
                    self.tell(str(missing))
                    del speeds[name]
                    continue
                if turn >= 0:
                    speeds[name].append(tokens / seconds)
        for name, found in speeds.items():
            if name.startswith(OURS):
                self._speed[what] = statistics.median(found)
            yield self._figure(what, name, statistics.median(found), "tokens/s", "more", found)

    def _figure(
        self, what: str, engine: str, value: float, unit: str, better: Any, repeats: Sequence[float] = ()
    ) -> Figure:
        return Figure(what, self.model, engine, round(value, 4), unit, better, [round(r, 4) for r in repeats])

    def _workers(self, *names: str) -> dict[str, Worker]:
        found = {name: self._start(name, partial(Worker, name, self.folder)) for name in names}
        return {name: worker for name, worker in found.items() if isinstance(worker, Worker)}

    def _servers(self) -> dict[str, Server]:
        started = (self._server(GradioDemo), self._server(OurServer))
        return {server.name: server for server in started if server is not None}

    def _server(self, kind: type[OurServer] | type[GradioDemo]) -> Server | None:
        make = partial(GradioDemo, self.folder, self.load.new) if kind is GradioDemo else partial(OurServer, self.base)
        server = self._start(kind.name, make)
        return server if isinstance(server, Server) else None

    def _start(self, name: str, make: Callable[[], Worker | Server]) -> Worker | Server | None:
        """The engine called `name`; None, told once, where it is missing."""
        if name not in self._running:
            self.tell(f"{self.model}: {name} starts")
            try:
                self._running[name] = engine = make()
                self._stack.callback(engine.close)
            except Missing as missing:
                self.tell(str(missing))
                self._running[name] = None
        return self._running[name]


def classifier(repeats: int, tell: Callable[[str], None]) -> Iterator[Figure]:
    """Texts a second that classifiers of KoBERT's shape read, 64 texts at a time."""
    seconds = measure_classifier(_TEXTS, repeats, tell)["seconds"]
    for name in sorted(seconds, key=OURS.__eq__):  # ours last: the others are set beside it
        yield Figure(f"{_TEXTS} texts", "kobert", name, round(_TEXTS / seconds[name], 4), "texts/s")


def percentile(values: Sequence[float], share: int) -> float:
    """The value that `share` of 100 are not above (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def _parameters(folder: Path) -> int:
    from safetensors import safe_open

    with safe_open(str(folder / "model.safetensors"), "pt") as file:
        return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
