"""A run's figures as a table, as JSON with the machine they were measured on, and as a chart."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from kogpt_funcs import __version__
from kogpt_funcs.benchmarking.measurements import OURS, Figure

_VERSIONS = ("torch", "transformers", "gradio", "ctranslate2", "xllamacpp", "tokenizers", "pydantic", "starlette")


def table(figures: Sequence[Figure]) -> str:
    """One line a figure; the last column says how many times better ours is."""
    lines = [("model", "what", "engine", "median", "unit", "ours is")]
    for figure in figures:
        ratio = advantage(figure, figures)
        value = f"{figure.value:,.1f}" if abs(figure.value) >= 10 else f"{figure.value:.3g}"
        lines.append((figure.model, figure.what, figure.engine, value, figure.unit, f"{ratio:.2f} ×" if ratio else ""))
    widths = [max(len(line[i]) for line in lines) for i in range(6)]
    right = {3, 5}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def advantage(figure: Figure, figures: Sequence[Figure]) -> float | None:
    """How many times better than `figure` ours is: over a server where ours was measured there, else in process."""
    beside = [f for f in figures if (f.model, f.what) == (figure.model, figure.what) and f.engine.startswith(OURS)]
    if figure.engine.startswith(OURS) or not beside or not figure.value:
        return None
    ours = beside[-1].value
    return ours / figure.value if figure.better == "more" else figure.value / ours if ours else None


def machine() -> dict[str, Any]:
    """What a reader needs to know to judge the figures: processor, cores, load, device, system, Python."""
    import psutil

    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(logical=False),
        "usable_cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
        "load_at_start": [round(x, 2) for x in os.getloadavg()],
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "gpu": _gpu(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Versions of ours and of the peers that are installed."""
    found = {"kogpt-funcs": __version__}
    for name in _VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def write_json(path: Path, figures: Sequence[Figure], notes: dict[str, Any]) -> None:
    """Everything that was measured, each repeat included."""
    rows = [{**figure.as_dict(), "ours_is_times": advantage(figure, figures)} for figure in figures]
    document = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **notes,
        "versions": versions(),
        "figures": rows,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_chart(path: Path, figures: Sequence[Figure], notes: dict[str, Any]) -> None:
    """Tokens a second as bars, a panel for each model and kind of load."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure as Canvas

    speeds = [figure for figure in figures if figure.unit == "tokens/s"]
    panels = list(dict.fromkeys((figure.model, figure.what) for figure in speeds))
    if not panels:
        return
    canvas = Canvas(
        figsize=(8, 0.6 + sum(0.9 + 0.32 * sum((f.model, f.what) == p for f in speeds) for p in panels)),
        layout="constrained",
    )
    heights = [1 + sum((f.model, f.what) == panel for f in speeds) for panel in panels]
    axes = canvas.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, panel in zip(axes, panels, strict=True):
        shown = [f for f in speeds if (f.model, f.what) == panel][::-1]
        colours = ["#4f46e5" if f.engine.startswith(OURS) else "#9ca3af" for f in shown]
        bars = axis.barh([f.engine for f in shown], [f.value for f in shown], color=colours)
        axis.bar_label(bars, [f"{f.value:,.0f}" for f in shown], padding=3)
        axis.set_title(f"{panel[0]}, {panel[1]}: tokens/s", loc="left", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.12)
    canvas.suptitle(f"{notes['machine']['processor']}, {notes['machine']['usable_cpus']} CPUs", fontsize=9)
    canvas.savefig(path, dpi=110)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.processor() or "unknown"


def _gpu() -> str | None:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None
