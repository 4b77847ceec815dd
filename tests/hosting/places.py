"""The lines of docs/hosting.md that start each place."""

from __future__ import annotations

import re

from package_copy import ROOT

DOCS = ROOT / "docs" / "hosting.md"


def lines(place: str) -> list[str]:
    """The commands of the block under `<!-- place: PLACE -->`."""
    found = re.search(rf"<!-- place: {place} -->\n```sh\n(.*?)```", DOCS.read_text("utf-8"), re.S)
    assert found, f"docs/hosting.md has no block for {place}"
    return found[1].strip().splitlines()
