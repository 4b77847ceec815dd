"""The suite as a Hugging Face Space starts it: `python demos/app.py` in the root of the repository."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from demos.__main__ import main

if __name__ == "__main__":
    sys.exit(main([]))
