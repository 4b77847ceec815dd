"""A file appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.files import written_whole


def test_it_appears_when_the_block_ends(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("before", "utf-8")
    with written_whole(file) as unfinished:
        unfinished.write_text("after", "utf-8")
        assert file.read_text("utf-8") == "before"
    assert file.read_text("utf-8") == "after"
    assert list(tmp_path.iterdir()) == [file]


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(unfinished: Path) -> None:
        unfinished.write_text("half", "utf-8")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), written_whole(tmp_path / "a.txt") as unfinished:
        fail(unfinished)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    there = tmp_path / "no" / "a.txt"
    with pytest.raises(KogptError, match=r"a\.txt cannot be written: No such file"), written_whole(there) as file:
        file.write_text("a", "utf-8")
