"""Initial passwords: made from a secret and the email, so that they need not be stored and are the same in each run."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_KEY_BYTES: Final = 32
"""Of a new secret."""
_LEAST_CHARACTERS: Final = 32
"""Of a file's secret. A shorter one could be guessed, and every password with it."""
_CHARACTERS: Final = 24
"""Of a password: 144 bits."""
_OWNER_ONLY: Final = 0o600
"""The mode of a new file."""


def read_or_make_key(path: Path) -> bytes:
    """The secret in a file. A new one is made where there is no file.

    Raises:
        ValueError: the secret is too short, or others may read it. The text tells a person.
        OSError: the file can be neither read nor made.
    """
    if not path.exists():
        unfinished = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_hex(_KEY_BYTES)}\n")
            file.flush()
            os.fsync(file.fileno())
        # Of two runs that begin at once, one gives its file the name, and both read that one. It is never seen empty.
        with suppress(FileExistsError):
            path.hardlink_to(unfinished)
        unfinished.unlink()
    return _read(path)


def initial_password(key: bytes, email: str) -> str:
    """The password of the customer with this email: HMAC-SHA256 of the lower-cased email, as base64url."""
    digest = hmac.digest(key, email.lower().encode("utf-8", "surrogatepass"), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode("ascii")[:_CHARACTERS]


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ValueError("others may read the file of the secret: chmod 600 it, or name a new file")
        key = file.read().strip()
    if len(key) < _LEAST_CHARACTERS:
        raise ValueError(
            f"the secret in the file has fewer than {_LEAST_CHARACTERS} characters: name a new file, and one is made"
        )
    return key
