"""bcrypt, and bcrypt of another hash of the password, as Django, passlib and WordPress use it."""

from __future__ import annotations

from typing import Final

import bcrypt

from passwords.verifying import wordpress
from schemas.password_hashes.prehashed import read_prehashed

_MAXIMUM_BYTES: Final = 72
"""Of the password. OpenBSD, PHP and node read no further; bcrypt's library for Python raises from its version 5 on."""


def matches(password: bytes, stored: str) -> bool:
    """Whether this is the password of a hash of bcrypt: `$2a$`, `$2b$`, `$2y$`."""
    return bcrypt.checkpw(password[:_MAXIMUM_BYTES], stored.encode())


def matches_prehashed(password: bytes, stored: str) -> bool:
    """Whether this is the password of a hash that `read_prehashed` reads."""
    prehashed = read_prehashed(stored)
    spellings = wordpress.spellings(password) if stored.startswith("$wp$") else (password,)
    return prehashed is not None and any(matches(prehashed.prehash(each), prehashed.bcrypt) for each in spellings)
