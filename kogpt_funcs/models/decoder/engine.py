"""The running batch of one model: requests join and leave it at every token, a thread of its own moves it on."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import Busy
from kogpt_funcs.models.decoder.endings import Ending
from kogpt_funcs.models.decoder.jobs import Entry, Job, Row
from kogpt_funcs.models.decoder.prefixes import Prefixes
from kogpt_funcs.models.decoder.sampling import Choice, choose, guide
from kogpt_funcs.models.networks.network import Network, Work
from kogpt_funcs.models.prompt import Generation, Sample
from kogpt_funcs.models.tokenizers.kogpt2 import Tokenizer

_PLACES = 32  # tokens that the samples in the batch add to a pass
_PREFILL = 256  # tokens of prompts that one pass may take beside the samples under way
_NO_MEMORY = re.compile(r"not enough memory|can't allocate memory|bad_alloc|could not create a primitive$")  # torch's words, and oneDNN's
_TURN = 64  # tokens after which a request makes room, if others wait


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
            job.error = None  # its traceback holds the job, caches and all

    def close(self) -> None:
        """Ends the thread. Only an engine that nobody uses is closed."""
        with self._change:
            self._closed = True
            self._change.notify()

    @property
    def load(self) -> dict[str, int]:
        """Requests in the batch, and those that wait to join it."""
        return {"running": len(self._batch), "waiting": len(self._waiting)}

    @property
    def _apart(self) -> bool:
        """Whether each request has passes of its own, as if it were alone."""
        return not self.network.batch_invariant and settings.current().deterministic

    def _job(self, request: Generation, adapter: Any) -> Job:
        room = self.context - request.max_new_tokens
        prompts = [_fit(self.tokenizer.encode(prompt), room) for prompt in (request.prompt, *request.against)]
        rows = [
            Row(Choice.of(request, i, prompts[0], self.tokenizer), Ending(request, self.tokenizer)) for i in range(request.num_samples)
        ]
        return Job(request, prompts, adapter, rows)

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
        taken = sum(job.places for job in self._batch)
        if self._waiting and self._batch and taken + self._waiting[0].places > _PLACES:
            longest = max(self._batch, key=lambda job: job.turn)
            if longest.turn >= _TURN:
                self._batch.remove(longest)
                self._waiting.append(longest)
                taken -= longest.places
        while self._waiting and (not self._batch or taken + self._waiting[0].places <= _PLACES):
            job = self._waiting.popleft()
            job.turn = 0
            taken += job.places
            self._batch.append(job)

    def _round(self) -> None:
        entries: list[Entry] = []
        room = _PREFILL
        for job in self._batch:
            if not job.cancelled:
                try:
                    found = self._entries(job, _PREFILL if self._apart else room)  # a piece's length, too, is company
                except Exception as error:
                    job.fail(told(error))
                    continue
                room -= sum(len(entry.work.ids) for entry in found if entry.row is None)
                entries += found
        for group in self._groups(entries):
            self._pass(group)
        for job in self._batch:
            if job.error is None and job.rows[0].caches:
                job.show(now=job.over or job.version == 0)

    def _entries(self, job: Job, room: int) -> list[Entry]:
        """The next token of each sample; before there are any, the next pieces of the prompts."""
        if job.rows[0].caches:
            return [Entry(job, row, k, Work([row.ids[-1]], at, job.adapter)) for row in job.alive for k, at in enumerate(row.caches)]
        if room <= 0:
            return []
        if not job.filled:
            reuse = self.network.batch_invariant or not (job.repeatable or self._apart)
            found = [self.prefixes.find(job.adapter, prompt) if reuse else None for prompt in job.prompts]
            job.filled = [cache or self.network.cache() for cache in found]
        entries = []
        for k, (prompt, cache) in enumerate(zip(job.prompts, job.filled, strict=True)):
            piece = prompt[cache.length : cache.length + room]
            if piece:
                entries.append(Entry(job, None, k, Work(piece, cache, job.adapter)))
                room -= len(piece)
        return entries

    def _groups(self, entries: list[Entry]) -> list[list[Entry]]:
        if not self._apart:
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
        table = logits.numpy()
        for i, (job, row, number, _) in enumerate(group):
            if row is not None:
                if number == 0:
                    guide(table[i : i + len(job.prompts)], job.request.guidance)
                    picks.append((i, job, row))
            elif job.filled[number].length == len(job.prompts[number]):
                job.first[number] = table[i]
                if len(job.first) == len(job.prompts):
                    after = np.stack([job.first.pop(k) for k in range(len(job.prompts))])
                    guide(after, job.request.guidance)
                    table[i] = after[0]
                    self._fork(job)
                    picks += [(i, job, started) for started in job.rows]
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
        """Gives each sample the prompts' caches: the first one themselves, the others copies."""
        for row in job.rows[1:]:
            row.caches = [cache.copy(cache.length) for cache in job.filled]
        job.rows[0].caches = job.filled

    def _sweep(self) -> None:
        """Lets go of the requests that are over; what the first sample has read is kept for prompts that begin so."""
        for job in self._batch:
            first = job.rows[0]
            if job.over and job.error is None and first.caches:
                read = [*job.prompts[0], *first.ids][: first.caches[0].length]
                self.prefixes.keep(job.adapter, read, first.caches[0])
        self._batch = [job for job in self._batch if not (job.over or job.cancelled)]


def told(error: Exception) -> Exception:
    """What the one who asked hears of `error`: that there is no memory now, or the error itself."""
    out_of_memory = isinstance(error, (torch.OutOfMemoryError, MemoryError)) or _NO_MEMORY.search(str(error))
    return Busy(retry_after=10) if out_of_memory else error


def _fit(ids: list[int], room: int) -> list[int]:
    # Control tokens stand at both ends of a prompt: what is too long loses text just after the first one.
    return ids if len(ids) <= room else [ids[0], *ids[len(ids) - room + 1 :]]
