"""docs/stories.md: its blocks run one after another, in one shell, against a running library."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from stories_server import ROOT, StoriesServer, stories_server

_BLOCK = re.compile(r"(?<!by hand -->\n)^```sh\n(.*?)^```", re.M | re.S)


def test_the_blocks_do_what_is_said(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "stories.md").read_text(encoding="utf-8")
    with stories_server(tmp_path / "server") as server:
        answers = ran(_BLOCK.findall(text), server, tmp_path)
    opened, added, branched, offered, *read = answers
    assert '"version":1' in opened
    assert '"version":2' in added
    assert '"branch":' in branched
    assert '"candidates":[' in offered
    assert "윤서는 우산을 집어 들었다." in "".join(read)
    assert (tmp_path / "story.epub").read_bytes().startswith(b"PK")
    assert not [answer for answer in answers if '"error"' in answer]


def ran(blocks: list[str], server: StoriesServer, folder: Path) -> list[str]:
    """What each curl printed; -f would hide why one failed, so an error shows in its text."""
    assert len(blocks) == 5
    script = "".join(blocks).replace("http://127.0.0.1:7860", server.url)
    script = re.sub(r"^curl ", "echo -----; curl ", script, flags=re.M)
    done = subprocess.run(["bash", "-eu", "-c", script], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split("-----\n")[1:]
