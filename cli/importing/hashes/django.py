"""Django's passwords, as `auth_user.password` holds them: `algorithm$…`.

The algorithms are those of `django.contrib.auth.hashers`, the ones that Django has dropped included. The service takes
most of them in Django's spelling. A name before a complete hash (`argon2$argon2id$…`, `bcrypt$$2b$…`) is taken off.
"""

from __future__ import annotations

import re
from typing import Final

from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError
from cli.importing.hashes.spelling import Step, bytes_of_base64, bytes_of_text, digest, pbkdf2, scrypt

_UNUSABLE: Final = "!"
"""What a password begins with that `set_unusable_password` made. No password fits."""

_SALTED: Final = re.compile(r"(?P<hash>md5|sha1)\$(?P<salt>[^$]*+)\$(?P<digest>[0-9a-fA-F]++)")
"""MD5 or SHA-1 with a salt before the password, or an empty one."""

_UNSALTED: Final = re.compile(r"(?:(?P<hash>unsalted_md5|unsalted_sha1)\$\$)?+(?P<digest>[0-9a-fA-F]++)")
"""MD5 alone, as Django once stored it, or after the name of its algorithm."""

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

_DIGEST_BYTES: Final = {"md5": 16, "sha1": 20}
"""Digest's name → its bytes."""


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
    match = _SALTED.fullmatch(text) or _UNSALTED.fullmatch(text)
    if match is None:
        raise ForeignHashError("is of no algorithm that can be taken over from Django")
    found = match.groupdict()
    name = (found["hash"] or "md5").removeprefix("unsalted_")
    if len(found["digest"]) != 2 * _DIGEST_BYTES[name]:
        raise ForeignHashError("is of another length than its algorithm makes")
    step = Step(hash_name=name, before=bytes_of_text(found.get("salt", "")))
    return digest((step,), bytes.fromhex(found["digest"]))
