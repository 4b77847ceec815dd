"""Secrets that let an author take back what is theirs; the database keeps a hash alone."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new() -> str:
    return secrets.token_urlsafe(18)


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def opens(secret: str | None, kept: str) -> bool:
    """Whether `secret` is the one whose hash was kept."""
    return secret is not None and hmac.compare_digest(hashed(secret), kept)
