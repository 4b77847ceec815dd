"""The thread: it starts when asked, moves all on, tells of faults, ends when closed. And what askers see of their
requests.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest
from counted import Counted

from kogpt_funcs.contract.errors import Busy
from kogpt_funcs.models.decoder.running import Running
from kogpt_funcs.models.decoder.scheduler import Scheduler


class Log:
    """Steps over Counted requests, and who was in each; `error` is raised instead, if there is one."""

    def __init__(self) -> None:
        self.batches: list[list[Running]] = []
        self.left: list[Running] = []
        self.error: Exception | None = None
        self.go = threading.Event()

    def step(self, batch: Sequence[Running]) -> None:
        self.go.wait(10)
        self.batches.append(list(batch))
        if self.error:
            raise self.error
        for running in batch:
            assert isinstance(running, Counted)
            running.count()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def scheduler(log: Log) -> Iterator[Scheduler]:
    scheduler = Scheduler(log.step, log.left.append)
    yield scheduler
    log.go.set()
    scheduler.close()
    assert not (scheduler._thread and scheduler._thread.is_alive())  # it has ended, whoever looks


def test_requests_join_and_leave_at_every_step(scheduler: Scheduler, log: Log) -> None:
    long, short = Counted(3), Counted(1)
    assert scheduler._thread is None
    scheduler.submit(long)
    scheduler.submit(short)
    log.go.set()
    for running in (short, long):
        assert [running.left for _ in running.updates()][-1] == 0
    assert [long, short] in log.batches
    assert sum(long in batch for batch in log.batches) == 3
    assert sum(short in batch for batch in log.batches) == 1


@pytest.mark.parametrize(("error", "told"), [(ValueError("안"), ValueError), (MemoryError(), Busy)], ids=repr)
def test_a_fault_of_a_step_reaches_all_who_wait_and_the_thread_lives_on(
    scheduler: Scheduler, log: Log, error: Exception, told: type[Exception]
) -> None:
    log.error, requests = error, [Counted(), Counted()]
    log.go.set()
    for running in requests:
        scheduler.submit(running)
        with pytest.raises(told):
            list(running.updates())
    log.error = None
    scheduler.submit(after := Counted())
    list(after.updates())
    assert after.left == 0


def test_a_request_that_is_left_is_taken_out(scheduler: Scheduler, log: Log) -> None:
    scheduler.submit(endless := Counted(-1))
    log.go.set()
    updates = endless.updates()
    next(updates)
    updates.close()
    scheduler.submit(after := Counted(2))
    list(after.updates())
    assert endless not in log.batches[-1]
    assert endless in log.left


def test_closing_lets_those_under_way_finish(scheduler: Scheduler, log: Log) -> None:
    scheduler.submit(running := Counted(5))
    scheduler.close()
    log.go.set()
    list(running.updates())
    assert running.left == 0


def test_updates_come_seldom_but_first_and_last_at_once() -> None:
    running, seen = Counted(), []
    running.show_seldom()
    updates = running.updates()
    next(updates)
    for _ in range(5):
        running.show_seldom()
    running.count()
    seen = list(updates)
    assert len(seen) == 1
