"""What the libraries under training say while they work."""

from __future__ import annotations


def errors_only() -> None:
    """transformers says nothing below an error."""
    from transformers.utils import logging

    logging.set_verbosity_error()
