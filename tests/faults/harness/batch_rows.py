"""Rows of batches. Each row's email and first name tell its number, so the checker needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Final

from tests.faults.harness.arena import CANARY

if TYPE_CHECKING:
    from collections.abc import Iterator

DOMAIN: Final = "rows.example.com"
"""The domain of the emails of rows. Single signups have another one."""

HASH_CANARY: Final = "canaryhash7f3a"
"""The beginning of the salt of each hash. A salt has only letters and digits."""


def email_of(number: int) -> str:
    """The email of a row."""
    return f"row-{number}@{DOMAIN}"


def hashed_row(number: int) -> bytes:
    """A row with a hash that another system made. The hash holds a canary, since it is as secret as a password."""
    digest = base64.b64encode(hashlib.sha256(b"%d" % number).digest()).decode()
    return _row(number, "passwordHash", f"pbkdf2_sha256$29000${HASH_CANARY}{number}${digest}")


def password_row(number: int, *, suffix: str = "") -> bytes:
    """A row with a password, which costs a hash."""
    return _row(number, "password", f"{CANARY}-{number}{suffix}")


def hashed_rows(count: int) -> Iterator[bytes]:
    """The rows 1 to `count` with hashes, made one at a time."""
    return map(hashed_row, range(1, count + 1))


def password_rows(count: int) -> Iterator[bytes]:
    """The rows 1 to `count` with passwords."""
    return map(password_row, range(1, count + 1))


def _row(number: int, name: str, secret: str) -> bytes:
    document = {"email": email_of(number), name: secret, "firstName": f"Row {number}", "lastName": "Last"}
    return json.dumps(document, separators=(",", ":")).encode()
