"""The classifier's measurement on a small shape: all ways run, and the ratios are those of the times."""

from __future__ import annotations

import pytest

from kogpt_funcs.benchmarking.classifying import measure_classifier


def test_ratios_are_those_of_the_times() -> None:
    told: list[str] = []
    found = measure_classifier(
        6, 1, told.append, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    assert set(found["seconds"]) == {"pipeline", "pipeline, one batch", "ours", "ours, a thread a text"}
    assert found["ratio"] == pytest.approx(found["seconds"]["pipeline"] / found["seconds"]["ours"], rel=0.1)
    assert found["tokens"] > 6 * 5
    assert len(told) == 8
