"""API keys: a small file of their hashes, which `kogpt keys` writes and the server reads again when it changes.

A key is `kogpt-ID-SECRET`, its secret 256 random bits. So one round of SHA-256 is enough: nobody tries 2^256 secrets.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.files import written_whole

_NOBODY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Key:
    """One key, as the file has it: its secret is not in it."""

    id: str
    name: str
    hash: str  # SHA-256 of the secret, in hexadecimal
    made: str  # UTC, ISO 8601
    until: str = ""  # likewise; empty: for ever
    limit: str = ""  # in place of KOGPT_KEY_LIMIT

    @property
    def over(self) -> bool:
        return bool(self.until) and datetime.fromisoformat(self.until) <= datetime.now(UTC)


class KeyFile:
    """The keys in `path`. It may change at any time; what cannot be read lets nobody in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: object = None
        self._keys: dict[str, Key] = {}

    def keys(self) -> dict[str, Key]:
        """The keys by id. Raises KogptError where the file is no file of keys."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self._seen, self._keys = None, {}
            return {}
        if (seen := (status.st_mtime_ns, status.st_size, status.st_ino)) != self._seen:
            self._keys = self._read()
            self._seen = seen
        return self._keys

    def owner(self, token: str) -> Key | None:
        """The key that `token` is, or None. The secret is compared in constant time."""
        _, _, rest = token.partition("-")
        name, _, secret = rest.partition("-")
        key = self.keys().get(name)
        digest = hashlib.sha256(secret.encode()).hexdigest()
        right = hmac.compare_digest(digest, key.hash if key else _NOBODY)
        return key if key and right and token.startswith("kogpt-") and not key.over else None

    def add(self, name: str, limit: str = "", until: str = "") -> tuple[Key, str]:
        """A new key and its token, which stands nowhere else."""
        secret = secrets.token_urlsafe(32)
        made = datetime.now(UTC).isoformat(timespec="seconds")
        key = Key(secrets.token_hex(4), name, hashlib.sha256(secret.encode()).hexdigest(), made, until, limit)
        with self._locked():
            self._write({**self.keys(), key.id: key})
        return key, f"kogpt-{key.id}-{secret}"

    def revoke(self, which: str) -> Key:
        """Takes the key of that id, or of that name if there is one, out of the file; KogptError if there is none."""
        with self._locked():
            known = self.keys()
            found = [key for key in known.values() if which in (key.id, key.name)]
            if len(found) != 1:
                said = "several keys have that name; give the id" if found else "no such key"
                raise KogptError(f"{which!r}: {said}. See: kogpt keys list")
            self._write({id_: key for id_, key in known.items() if key is not found[0]})
        return found[0]

    def _locked(self) -> FileLock:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(f"{self.path}.lock", timeout=10)

    def _read(self) -> dict[str, Key]:
        try:
            entries = json.loads(self.path.read_text("utf-8"))["keys"]
            return {entry["id"]: Key(**entry) for entry in entries}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise KogptError(f"{self.path.name} is no file of keys ({type(error).__name__}).") from None

    def _write(self, keys: dict[str, Key]) -> None:
        text = json.dumps({"keys": [asdict(key) for key in keys.values()]}, ensure_ascii=False, indent=1)
        with written_whole(self.path) as unfinished:
            unfinished.touch(mode=0o600)
            unfinished.write_text(text + "\n", "utf-8")
            os.utime(unfinished, ns=(time.time_ns(), time.time_ns()))
