"""Kept caches: the longest common beginning, read with the same adapter, within a budget of memory."""

from __future__ import annotations

from tiny_language import Read

from kogpt_funcs.models.decoder.prefixes import Prefixes

TEXT = list(range(20))


def test_the_longest_beginning_is_found_and_copied() -> None:
    prefixes = Prefixes()
    prefixes.keep(None, TEXT[:10], Read(TEXT[:10]))
    prefixes.keep(None, TEXT[:15], kept := Read(TEXT[:15]))
    found = prefixes.find(None, [*TEXT[:12], 99, 98])
    assert found.ids == TEXT[:12]
    found.ids.append(1)
    assert kept.ids == TEXT[:15]


def test_the_last_token_is_left_to_be_read() -> None:
    prefixes = Prefixes()
    prefixes.keep(None, TEXT, Read(TEXT))
    assert prefixes.find(None, TEXT).ids == TEXT[:-1]


def test_a_short_beginning_is_not_worth_a_copy() -> None:
    prefixes = Prefixes()
    prefixes.keep(None, TEXT, Read(TEXT))
    assert prefixes.find(None, [*TEXT[:7], 99, 98]) is None
    assert prefixes.find(None, [*TEXT[:8], 99, 98]).ids == TEXT[:8]


def test_another_adapter_reads_differently() -> None:
    prefixes, one, other = Prefixes(), object(), object()
    prefixes.keep(one, TEXT, Read(TEXT))
    assert prefixes.find(other, TEXT) is prefixes.find(None, TEXT) is None
    assert prefixes.find(one, TEXT)


def test_the_least_recently_used_leave_when_memory_is_full() -> None:
    prefixes = Prefixes(limit=4000)  # a token takes 100
    first, second, third = ([n, *TEXT[1:]] for n in (101, 102, 103))
    prefixes.keep(None, first, Read(first))
    prefixes.keep(None, second, Read(second))
    assert prefixes.find(None, first)  # used again
    prefixes.keep(None, third, Read(third))
    assert prefixes.bytes == 4000
    assert prefixes.find(None, second) is None
    assert prefixes.find(None, first) and prefixes.find(None, third)  # noqa: PT018


def test_what_is_larger_than_the_budget_is_not_kept() -> None:
    prefixes = Prefixes(limit=1000)
    prefixes.keep(None, TEXT[:10], Read(TEXT[:10]))
    prefixes.keep(None, TEXT, Read(TEXT))
    assert prefixes.bytes == 1000
