"""The running batch of one model: requests join and leave it at every token, a thread of its own moves it on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from kogpt_funcs import settings
from kogpt_funcs.errors import Busy
from kogpt_funcs.models.endings import Ending
from kogpt_funcs.models.network import Network, Work
from kogpt_funcs.models.prefixes import Prefixes
from kogpt_funcs.models.prompt import Generation, Sample
from kogpt_funcs.models.sampling import Choice, choose
from kogpt_funcs.models.tokenizer import Tokenizer

_ROWS = 32  # samples in the batch
_PREFILL = 256  # tokens of prompts that one pass may take beside the samples under way
_TURN = 64  # tokens after which a request makes room, if others wait
_SHOW_SECONDS = 0.025  # snapshots of a request come no closer than this, but for the first and the last


@dataclass(eq=False)
class Row:
    """One sample under way."""

    choice: Choice
    ending: Ending
    cache: Any = None

    @property
    def ids(self) -> list[int]:
        return self.choice.ids


@dataclass(eq=False)
class Job:
    """One request: its rows, and what its reader waits on."""

    request: Generation
    prompt: list[int]
    adapter: Any
    rows: list[Row]
    changed: threading.Condition = field(default_factory=threading.Condition)
    version: int = 0
    shown: float = 0.0
    error: BaseException | None = None
    cancelled: bool = False
    filled: Any = None  # the cache of the prompt, as far as it has been read
    turn: int = 0  # tokens since it joined the batch

    @property
    def alive(self) -> list[Row]:
        return [row for row in self.rows if not row.ending.reason]

    @property
    def over(self) -> bool:
        return self.error is not None or not self.alive

    @property
    def repeatable(self) -> bool:
        return self.request.seed is not None or self.request.temperature == 0

    def show(self, *, now: bool) -> None:
        """Wakes the reader, unless it was woken a moment ago."""
        if now or time.monotonic() - self.shown >= _SHOW_SECONDS:
            self.shown = time.monotonic()
            with self.changed:
                self.version += 1
                self.changed.notify_all()

    def fail(self, error: BaseException) -> None:
        self.error = error
        self.show(now=True)


class Entry(NamedTuple):
    """What one pass does for one sample, or for a prompt: then it has no row yet."""

    job: Job
    row: Row | None
    work: Work


class Engine:
    """Continuous batching (Yu et al. 2022) over one network.

    Each round takes the next piece of waiting prompts and one token of every sample under way through the network in
    one pass. A request that raises, or leaves, takes nobody with it. On a network whose answers depend on what shares
    a pass, KOGPT_DETERMINISTIC=1 gives every request passes of its own.
    """

    def __init__(self, network: Network, tokenizer: Tokenizer, context: int) -> None:
        self.network, self.tokenizer, self.context = network, tokenizer, context
        self.prefixes = Prefixes()
        self._waiting: deque[Job] = deque()
        self._batch: list[Job] = []
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def generate(self, request: Generation, adapter: Any) -> Iterator[list[Sample]]:
        """Snapshots of the samples as they grow; the last one is complete. Closing the iterator cancels the request."""
        job = self._job(request, adapter)
        with self._change:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="kogpt-engine", daemon=True)
                self._thread.start()
            self._waiting.append(job)
            self._change.notify()
        try:
            yield from self._snapshots(job)
        finally:
            job.cancelled = True

    def close(self) -> None:
        """Ends the thread. Only an engine that nobody uses is closed."""
        with self._change:
            self._closed = True
            self._change.notify()

    @property
    def load(self) -> dict[str, int]:
        """Requests in the batch, and those that wait to join it."""
        return {"running": len(self._batch), "waiting": len(self._waiting)}

    def _job(self, request: Generation, adapter: Any) -> Job:
        prompt = _fit(self.tokenizer.encode(request.prompt), self.context - request.max_new_tokens)
        rows = [
            Row(Choice.of(request, i, prompt, self.tokenizer), Ending(request, self.tokenizer)) for i in range(request.num_samples)
        ]
        return Job(request, prompt, adapter, rows)

    def _snapshots(self, job: Job) -> Iterator[list[Sample]]:
        seen = 0
        while True:
            with job.changed:
                while job.version == seen:
                    job.changed.wait()
                seen = job.version
            if job.error is not None:
                raise job.error
            over = job.over
            yield [row.ending.sample(row.ids) for row in job.rows]
            if over:
                return

    # -- the thread --

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or self._waiting or self._batch)
                if self._closed and not self._waiting and not self._batch:
                    return
                self._admit()
            try:
                self._round()
            except Exception as error:  # a fault of ours: nobody may wait for an answer that will not come
                for job in self._batch:
                    job.fail(told(error))
            self._sweep()

    def _admit(self) -> None:
        """Lets requests in while there is room; where there is none, one that has had its turn goes to the end of the queue."""
        while self._waiting and self._waiting[0].cancelled:
            self._waiting.popleft()
        taken = sum(len(job.alive) for job in self._batch)
        if self._waiting and self._batch and taken + len(self._waiting[0].alive) > _ROWS:
            longest = max(self._batch, key=lambda job: job.turn)
            if longest.turn >= _TURN:
                self._batch.remove(longest)
                self._waiting.append(longest)
                taken -= len(longest.alive)
        while self._waiting and (not self._batch or taken + len(self._waiting[0].alive) <= _ROWS):
            job = self._waiting.popleft()
            job.turn = 0
            taken += len(job.alive)
            self._batch.append(job)

    def _round(self) -> None:
        entries: list[Entry] = []
        room = _PREFILL
        for job in self._batch:
            if not job.cancelled:
                try:
                    found = self._entries(job, room)
                except Exception as error:
                    job.fail(told(error))
                    continue
                room -= sum(len(entry.work.ids) for entry in found if entry.row is None)
                entries += found
        for group in self._groups(entries):
            self._pass(group)
        for job in self._batch:
            if job.error is None and job.rows[0].cache is not None:
                job.show(now=job.over or job.version == 0)

    def _entries(self, job: Job, room: int) -> list[Entry]:
        """The next token of each sample; before there are any, the next piece of the prompt."""
        if job.rows[0].cache is not None:
            return [Entry(job, row, Work([row.ids[-1]], row.cache, job.adapter)) for row in job.alive]
        if room <= 0:
            return []
        if job.filled is None:
            reuse = self.network.batch_invariant or not (job.repeatable or settings.deterministic())
            job.filled = (self.prefixes.find(job.adapter, job.prompt) if reuse else None) or self.network.cache()
        start = job.filled.length
        return [Entry(job, None, Work(job.prompt[start : start + room], job.filled, job.adapter))]

    def _groups(self, entries: list[Entry]) -> list[list[Entry]]:
        if self.network.batch_invariant or not settings.deterministic():
            return [entries] if entries else []
        return [[entry for entry in entries if entry.job is job] for job in dict.fromkeys(entry.job for entry in entries)]

    def _pass(self, group: list[Entry]) -> None:
        """One pass over `group`. Where it fails, each request is tried alone, so that only what is at fault fails."""
        jobs = list(dict.fromkeys(entry.job for entry in group))
        try:
            logits = self.network.forward([entry.work for entry in group])
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].fail(told(error))
                return
            for job in jobs:
                self._pass([entry for entry in group if entry.job is job])
            return
        self._choose(group, logits)

    def _choose(self, group: list[Entry], logits: torch.Tensor) -> None:
        """Adds a token to each sample, or ends it."""
        picks: list[tuple[int, Job, Row]] = []
        for i, (job, row, _) in enumerate(group):
            if row is not None:
                picks.append((i, job, row))
            elif job.filled.length == len(job.prompt):
                self._fork(job)
                picks += [(i, job, started) for started in job.rows]
        table = logits.numpy()
        if [i for i, _, _ in picks] != list(range(len(table))):  # the samples of one prompt begin with the same logits
            table = table[[i for i, _, _ in picks]]
        for values, (_, job, row) in zip(table, picks, strict=True):
            with self._fault_of(job):
                row.choice.apply(values)
        tokens = choose(self.network, torch.from_numpy(table), [row.choice for _, _, row in picks]) if picks else []
        for token, (_, job, row) in zip(tokens, picks, strict=True):
            with self._fault_of(job):
                if row.ending.admits(token, row.ids):
                    row.choice.add(token)
                    row.ending.look(row.ids)
        for job in dict.fromkeys(job for _, job, _ in picks):
            job.turn += 1

    @contextmanager
    def _fault_of(self, job: Job) -> Iterator[None]:
        """What goes wrong in the block ends `job` alone."""
        try:
            yield
        except Exception as error:
            job.fail(told(error))

    def _fork(self, job: Job) -> None:
        """Gives each sample the prompt's cache: the first one itself, the others copies."""
        for row in job.rows[1:]:
            row.cache = job.filled.copy(job.filled.length)
        job.rows[0].cache = job.filled

    def _sweep(self) -> None:
        """Lets go of the requests that are over; what the first sample has read is kept for prompts that begin so."""
        for job in self._batch:
            first = job.rows[0]
            if job.over and job.error is None and first.cache is not None:
                read = [*job.prompt, *first.ids][: first.cache.length]
                self.prefixes.keep(job.adapter, read, first.cache)
        self._batch = [job for job in self._batch if not (job.over or job.cancelled)]


def told(error: Exception) -> Exception:
    """What the one who asked hears of `error`: that there is no memory now, or the error itself."""
    words = ("not enough memory", "can't allocate memory")  # torch's for the CPU
    out_of_memory = isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(said in str(error) for said in words)
    return Busy(retry_after=10) if out_of_memory else error


def _fit(ids: list[int], room: int) -> list[int]:
    # Control tokens stand at both ends of a prompt: what is too long loses text just after the first one.
    return ids if len(ids) <= room else [ids[0], *ids[len(ids) - room + 1 :]]
