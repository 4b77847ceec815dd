"""Who joins the batch, who waits, who makes room."""

from __future__ import annotations

from counted import Counted

from kogpt_funcs.models.decoder.admission import Admission


def waiting(*places: int) -> tuple[Admission, list[Counted]]:
    admission, requests = Admission(places=8, turn=3), [Counted(9, n) for n in places]
    admission.waiting.extend(requests)
    admission.admit()
    return admission, requests


def test_requests_join_in_order_while_there_is_room() -> None:
    admission, (a, b, c, _) = waiting(3, 4, 2, 1)
    assert admission.batch == [a, b]
    assert admission.load == {"running": 2, "waiting": 2}
    a.left = 0
    assert admission.sweep() == [a]
    admission.admit()
    assert admission.batch[:2] == [b, c]


def test_a_request_larger_than_the_batch_joins_it_alone() -> None:
    admission, (large, _) = waiting(20, 1)
    assert admission.batch == [large]


def test_a_request_that_has_had_its_turn_goes_behind_those_that_wait() -> None:
    admission, (first, second) = waiting(6, 6)
    first.turn = 2
    admission.admit()
    assert admission.batch == [first]
    first.turn = 3
    admission.admit()
    assert (admission.batch, list(admission.waiting)) == ([second], [first])
    second.left = 0
    admission.sweep()
    admission.admit()
    assert (admission.batch, first.turn) == ([first], 0)


def test_nobody_makes_room_while_nobody_waits() -> None:
    admission, (only,) = waiting(8)
    only.turn = 1000
    admission.admit()
    assert admission.batch == [only]


def test_who_has_left_is_not_admitted_and_does_not_stay() -> None:
    admission, (a, b) = waiting(8, 8)
    a.cancelled = b.cancelled = True
    assert admission.sweep() == [a]
    admission.admit()
    assert admission.idle
