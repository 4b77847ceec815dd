"""`python -m kogpt_funcs.benchmarking.tables FILE.md`: writes a page's tables again from the results that they name.

A table stands between `<!-- results: FOLDER/FILE.json -->` and `<!-- end of results -->`; the path is the page's.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

_TABLE = re.compile(r"(<!-- results: (?P<file>\S+) -->\n).*?(<!-- end of results -->)", re.S)


def written(page: Path) -> str:
    """The text of `page` with each of its tables made from its results."""
    return _TABLE.sub(lambda found: found[1] + _table(page.parent / found["file"]) + found[3], page.read_text("utf-8"))


def _table(file: Path) -> str:
    result = json.loads(file.read_text("utf-8"))
    machine, load = result["machine"], result["load"]
    lines = [
        f"{machine['processor']}, {machine['usable_cpus']} CPUs, load at the start {machine['load_at_start'][0]}, "
        f"{result['date'][:10]}; prompts of {load['prompt']} tokens, {load['new']} new ones, medians of "
        f"{load['repeats']}:",
        "",
        f"| {result['figures'][0]['model']} | | | ours is |",
        "|---|---|---:|---:|",
        *(_row(figure) for figure in result["figures"]),
    ]
    return "\n".join(lines) + "\n"


def _row(figure: dict[str, Any]) -> str:
    value, times = figure["value"], figure.get("ours_is_times")
    shown = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"| {figure['what']} | {figure['engine']} | {shown} {figure['unit']} | {f'{times:.2f} ×' if times else ''} |"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(written(Path(name)), encoding="utf-8")
