"""docs/measured.md shows what was measured: its tables are those of the results that it names."""

from __future__ import annotations

from pathlib import Path

from package_copy import ROOT

from kogpt_funcs.benchmarking.tables import written

PAGE = ROOT / "docs" / "measured.md"


def test_the_tables_are_those_of_the_results() -> None:
    """`python -m kogpt_funcs.benchmarking.tables docs/measured.md` writes them again."""
    text = PAGE.read_text("utf-8")
    assert "<!-- results: " in text
    assert written(PAGE) == text


def test_another_figure_is_written_over(tmp_path: Path) -> None:
    results = ROOT / "benchmarks" / "results"
    file = next(results.glob("gemma-*.json"))
    page = tmp_path / "page.md"
    page.write_text(f"Before\n<!-- results: {file} -->\nold figures\n<!-- end of results -->\nAfter\n", "utf-8")
    text = written(page)
    assert text.startswith("Before\n")
    assert text.endswith("After\n")
    assert "old figures" not in text
    assert "| ours |" in text
