"""SKT's real tokenizer and config, where this machine has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from package_copy import ROOT

KOGPT2 = Path(os.environ.get("KOGPT2_FIXTURE") or ROOT.parent / "shared/fixtures/kogpt2-base-v2")


def kogpt2() -> Path:
    """The folder of SKT's tokenizer and config; the test is skipped where it is not."""
    if not KOGPT2.is_dir():
        pytest.skip("SKT's tokenizer is not on this machine: give its folder as KOGPT2_FIXTURE")
    return KOGPT2
