"""Django's passwords, as `auth_user.password` holds them: `algorithm$…`.

The algorithms are those of `django.contrib.auth.hashers`, the ones that Django has dropped included. The service takes
most of them in Django's spelling. A name before a complete hash (`argon2$argon2id$…`, `bcrypt$$2b$…`) is taken off.
"""

from __future__ import annotations

import re
from typing import Final

from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError
from cli.importing.hashes.spelling import bytes_of_base64, bytes_of_text, pbkdf2, scrypt
from schemas.password_hashes.digests import written_digest
from schemas.password_hashes.fast_hashes import read_fast_hash

_UNUSABLE: Final = "!"
"""What a password begins with that `set_unusable_password` made. No password fits."""

_PBKDF2: Final = re.compile(
    r"pbkdf2_(?P<hash>sha1|sha256)\$(?P<iterations>[0-9]{1,9})\$(?P<salt>[^$]++)\$(?P<digest>[A-Za-z0-9+/]++=*+)"
)
"""PBKDF2 with any salt that Django takes."""

_SCRYPT: Final = re.compile(
    r"scrypt\$(?P<n>[0-9]{1,9})\$(?P<salt>[^$]++)\$(?P<r>[0-9]{1,4})\$(?P<p>[0-9]{1,4})\$(?P<digest>[A-Za-z0-9+/]++=*+)"
)
"""scrypt with any salt that Django takes."""

_PLAIN_SALT: Final = re.compile(r"[A-Za-z0-9]++", re.ASCII)
"""Every salt that Django makes by itself."""


_BARE_DIGITS: Final = 32
"""Of MD5 without the name of its algorithm."""


def translate(text: str) -> str:
    """The hash as the service takes it.

    Raises:
        NoPasswordError: there is none, or it is marked as unusable.
        ForeignHashError: it is of no algorithm that Django has had, or not written as one.
    """
    text = text.strip()
    if not text or text.startswith(_UNUSABLE):
        raise NoPasswordError
    if text.startswith("argon2$argon2"):
        return text.removeprefix("argon2")
    if text.startswith("bcrypt$$2"):
        return text.removeprefix("bcrypt$")
    if text.startswith("bcrypt_sha256$$2"):
        return text
    return _slow(text) or _fast(text)


def _slow(text: str) -> str:
    """PBKDF2 or scrypt. The PHC string format takes the salts that the service takes in no other. Empty if neither."""
    match = _PBKDF2.fullmatch(text)
    if match is not None:
        if _PLAIN_SALT.fullmatch(match["salt"]):
            return text
        return pbkdf2(
            match["hash"],
            iterations=int(match["iterations"]),
            salt=bytes_of_text(match["salt"]),
            content=bytes_of_base64(match["digest"], "digest"),
        )
    match = _SCRYPT.fullmatch(text)
    if match is None:
        return ""
    n = int(match["n"])
    if _PLAIN_SALT.fullmatch(match["salt"]) or n < 1 or n & (n - 1):
        return text
    return scrypt(
        ln=n.bit_length() - 1,
        r=int(match["r"]),
        p=int(match["p"]),
        salt=bytes_of_text(match["salt"]),
        content=bytes_of_base64(match["digest"], "digest"),
    )


def _fast(text: str) -> str:
    """MD5 or SHA-1. Django once stored MD5 without any name."""
    found = read_fast_hash(text)
    if found is None or not ("$" in text or len(text) == _BARE_DIGITS):
        raise ForeignHashError("is of no algorithm that can be taken over from Django")
    return written_digest(found)
