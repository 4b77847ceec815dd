"""Environments of their own, for places whose requirements do not go with ours: made once, and kept between runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_KEPT = Path(tempfile.gettempdir()) / "kogpt-test-venvs"  # where any user may read


def environment(name: str, *arguments: str | Path) -> Path:
    """The bin/ folder of an environment in which `pip install ARGUMENTS` ran; files among them count by what is in
    them. It is made by the system's Python, which any user may run.
    """
    digest = hashlib.sha256()
    for argument in arguments:
        digest.update(argument.read_bytes() if isinstance(argument, Path) else argument.encode())
    folder = _KEPT / f"{name}-{digest.hexdigest()[:12]}"
    if not (folder / "whole").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
        subprocess.run([python, "-m", "venv", folder], check=True)
        few = {**os.environ, "PIP_RETRIES": "1"}  # an index that cannot be reached is asked for each package
        pip = [folder / "bin" / "pip", "install", "--quiet", *arguments]
        subprocess.run(pip, check=True, timeout=1800, env=few)
        (folder / "whole").touch()
    return folder / "bin"
