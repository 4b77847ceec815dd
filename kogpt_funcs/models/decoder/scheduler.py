"""The thread that moves the batch on, step after step, for as long as anybody waits. It knows no network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from kogpt_funcs.models.decoder.admission import Admission
from kogpt_funcs.models.decoder.faults import busy_if_out_of_memory
from kogpt_funcs.models.decoder.running import Running


class Scheduler:
    """`step` moves all requests of a batch on by one pass; `left` is told of each request that leaves it."""

    def __init__(self, step: Callable[[Sequence[Running]], None], left: Callable[[Running], None]) -> None:
        self.admission = Admission()
        self._step, self._left = step, left
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, running: Running) -> None:
        """Queues `running`. The thread starts with the first request."""
        with self._change:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="kogpt-engine", daemon=True)
                self._thread.start()
            self.admission.waiting.append(running)
            self._change.notify()

    def close(self) -> None:
        """Ends the thread when the requests that it has are over, and waits for its end: a thread that frees tensors
        while the interpreter ends aborts the process.
        """
        with self._change:
            self._closed = True
            self._change.notify()
            thread = self._thread
        if thread and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or not self.admission.idle)
                if self.admission.idle:
                    return
                self.admission.admit()
            self._move_on()
            self._sweep()

    def _move_on(self) -> None:
        try:
            self._step(self.admission.batch)
        except Exception as error:  # a fault of ours: nobody may wait for an answer that will not come
            for running in self.admission.batch:
                running.fail(busy_if_out_of_memory(error))

    def _sweep(self) -> None:
        for running in self.admission.sweep():
            self._left(running)
