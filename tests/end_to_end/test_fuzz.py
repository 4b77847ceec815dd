"""schemathesis over every address that the OpenAPI documents have: no 500, and every answer as it is documented."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from suite_server import Server

#: A part of what REST has, for the default run: one address of each kind. Not stories_create: the same Idempotency-Key
#: with another body is 422, which no schema can say, and the fuzzer sends one key with many bodies.
SOME = (
    "classify_emotion",
    "classify_emotion_stream",
    "stories_search",
    "stories_read",
    "_ready_ready_get",
)
#: An array of too many items is refused as too large; a key that came with another body by 422, as the draft of the
#: header wants it, and so is a branch that the story lacks: none is what schemathesis expects by itself.
SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]

[[operations]]
include-operation-id = ["stories_create", "stories_add", "stories_take_turn", "stories_branch"]
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 410, 422, "5xx"]
"""


def schemathesis(server: Server, document: str, folder: Path, *options: str) -> str:
    """What it says; it must have found nothing."""
    (folder / "schemathesis.toml").write_text(SETTINGS, "utf-8")
    program = Path(sys.executable).with_name("schemathesis")
    command = [str(program), "run", f"{server.url}{document}", "--wait-for-schema", "60", "--seed", "1", "--no-color"]
    done = subprocess.run(
        [*command, "--request-timeout", "60", "--generation-database", "none", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return done.stdout


def test_some_addresses_briefly(server: Server, tmp_path: Path) -> None:
    only = [part for name in SOME for part in ("--include-operation-id", name)]
    schemathesis(server, "/api/openapi.json", tmp_path, "--phases", "coverage", "--max-examples", "2", *only)


@pytest.mark.soak
@pytest.mark.parametrize("document", ["/api/openapi.json", "/v1/openapi.json"])
def test_every_address_in_every_phase(server: Server, tmp_path: Path, document: str) -> None:
    endless: tuple[str, ...] = ()
    if document.startswith("/api"):  # this stream ends when its reader goes, and the fuzzer reads on
        endless = ("--exclude-operation-id", "stories_events")
    schemathesis(
        server, document, tmp_path, "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "30", *endless
    )
