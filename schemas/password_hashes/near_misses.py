"""Hashes that are nearly of an accepted form: recognised so that the refusal can say what is in the way."""

from __future__ import annotations

import re
from typing import Final

_PREHASHED: Final = ("$wp$", "bcrypt_sha256$", "$bcrypt-sha256$")
"""How bcrypt begins in WordPress from 6.8 on, in Django and in passlib, where it was given a digest of the password."""

_PREFIX: Final = re.compile(r"\{[A-Za-z0-9@_.\-]{1,40}+\}|argon2(?=\$)|bcrypt\$(?=\$)")
"""What stands before the hash in LDAP, Dovecot and Spring (`{CRYPT}`, `{bcrypt}`), and in Django (`argon2`)."""


def is_prehashed(text: str) -> bool:
    """Whether this looks like bcrypt over another hash of the password."""
    return text.startswith(_PREHASHED)


def without_prefix(text: str) -> str | None:
    """What stands behind another system's name for the scheme. None where there is no such name."""
    match = _PREFIX.match(text)
    return None if match is None else text[match.end() :]
