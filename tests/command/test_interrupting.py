"""Ctrl-C while a model writes and the processor is busy: a clean stop at the row; the next run goes on from there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from package_copy import ROOT, command, run

TEXTS = [f"저는 어제 친구 {n}명을 만나서 밥을 먹었어요." for n in range(8)]
ARGUMENTS = ("--column", "text", "--set", "style=반말", "--set", "max_new_tokens=16", "--no-server")


@contextmanager
def load() -> Iterator[None]:
    """As many busy processes as there are cores, and one more."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores + 1)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.mark.parametrize("pause", [0.0, pytest.param(0.05, marks=pytest.mark.soak)])
def test_map_stops_at_the_row_and_goes_on(tmp_path: Path, pause: float) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in TEXTS), "utf-8")
    journal = tmp_path / "a.change_style.jsonl.partial"
    with load():
        line = command("map", "change_style", path, *ARGUMENTS)
        process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while not journal.exists() or journal.read_bytes().count(b"\n") < 3:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        time.sleep(pause)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    message = said.decode()
    assert (process.returncode, out) == (130, b""), message
    assert "Traceback" not in message
    done = journal.read_bytes().count(b"\n") - 1
    assert 2 <= done < len(TEXTS)
    assert f"Stopped after {done} of {len(TEXTS)} rows. The same command goes on from there." in message
    assert journal.read_bytes().endswith(b"\n")

    again = run("map", "change_style", path, *ARGUMENTS)
    assert again.returncode == 0, again.stderr.decode()
    assert f"8 rows: 8 done, 0 bad ({done} of them by an earlier run)" in again.stderr.decode()
    rows = [json.loads(line) for line in (tmp_path / "a.change_style.jsonl").read_text("utf-8").splitlines()]
    assert [row["text"] for row in rows] == TEXTS
    assert all(row["change_style.text"] and row["error"] is None for row in rows)


def test_a_call_that_writes_stops_at_once() -> None:
    data = json.dumps({"text": "그날 밤, 나는 오래된 편지를", "max_new_tokens": 256})
    with load():
        line = command("call", "continue_text", data, "--stream", "--no-server")
        process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said.strip()) == (130, b"")
