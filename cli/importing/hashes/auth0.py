"""Auth0's `custom_password_hash`, the object that describes a hash for Auth0's bulk import.

The reference is "Bulk User Import Database Schema and Examples" in Auth0's documentation (auth0/docs-v2).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from cli.importing.hashes.documents import number_in, object_in, text_in
from cli.importing.hashes.foreign_hash import ForeignHashError
from cli.importing.hashes.spelling import PBKDF2_BYTES, bytes_of_base64, bytes_of_text, digest, pbkdf2, scrypt
from schemas.password_hashes.digests import DIGEST_BYTES, Step
from schemas.password_hashes.fast_hashes import read_fast_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGESTS: Final = ("md5", "sha1", "sha256", "sha512")
"""Auth0's digests that the service can repeat."""

_PBKDF2: Final = re.compile(
    r"\$pbkdf2-(?P<hash>[A-Za-z0-9-]++)(?:\$(?P<costs>[a-z]=[^$]*+))?+\$(?P<salt>[^$]++)\$(?P<digest>[^$]++)"
)
"""The PHC string format, with and without costs."""

_PBKDF2_ITERATIONS: Final = 100_000
"""Of a hash that names none."""

_ENCODINGS_OF_UTF8: Final = ("utf8", "ascii")
"""Encodings in which a password has the same bytes as in UTF-8. One that is not ASCII never was `ascii`."""


def translate(document: Mapping[str, Any]) -> str:
    """The hash of a `custom_password_hash`, as the service takes it.

    Raises:
        ForeignHashError: something is missing, or it was made in a way that the service cannot repeat.
    """
    algorithm = text_in(document, "algorithm")
    found = object_in(document, "hash")
    if object_in(document, "password").get("encoding", "utf8") not in _ENCODINGS_OF_UTF8:
        raise ForeignHashError("is made of the password in another encoding than UTF-8")
    if algorithm in _DIGESTS:
        return _digest(algorithm, document, found)
    if algorithm == "scrypt":
        return _scrypt(document, found)
    value = text_in(found, "value")
    if algorithm == "pbkdf2":
        return _pbkdf2(value)
    if algorithm == "ldap":
        return _ldap(value)
    if algorithm in {"argon2", "bcrypt"}:
        if _salt(document, found):
            raise ForeignHashError("has a salt beside the one in its string")
        return value
    if algorithm == "hmac":
        raise ForeignHashError("is made with a key (HMAC): no login could verify it without the key")
    raise ForeignHashError("is of no algorithm that can be taken over from Auth0")


def _salt(document: Mapping[str, Any], found: Mapping[str, Any]) -> bytes:
    """The salt stands beside the hash. Auth0's older documentation has it within the hash."""
    salt = object_in(document if "salt" in document else found, "salt")
    return _bytes(salt, "utf8") if salt else b""


def _bytes(document: Mapping[str, Any], default_encoding: str) -> bytes:
    """What `value` stands for in the encoding that stands beside it."""
    value, encoding = text_in(document, "value"), document.get("encoding", default_encoding)
    if encoding == "utf8":
        return bytes_of_text(value)
    if encoding == "base64":
        return bytes_of_base64(value, "value")
    if encoding == "hex":
        try:
            return bytes.fromhex(value)
        except ValueError:
            raise ForeignHashError("has a value that is not hexadecimal") from None
    raise ForeignHashError("has an encoding that is none of base64, hex and utf8")


def _digest(name: str, document: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    content, salt = _bytes(found, "hex"), _salt(document, found)
    if len(content) != DIGEST_BYTES[name]:
        raise ForeignHashError("is of another length than its algorithm makes")
    position = object_in(document if "salt" in document else found, "salt").get("position", "prefix")
    if position not in ("prefix", "suffix"):
        raise ForeignHashError("has a salt in a position that is neither prefix nor suffix")
    step = Step(name, before=salt) if position == "prefix" else Step(name, after=salt)
    return digest((step,), content)


def _scrypt(document: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    content, n = _bytes(found, "hex"), number_in(document, "cost", 16384)
    if number_in(document, "keylen", len(content)) != len(content):
        raise ForeignHashError("is of another length than its keylen says")
    if n < 1 or n & (n - 1):
        raise ForeignHashError("has a cost that is no power of two")
    return scrypt(
        ln=n.bit_length() - 1,
        r=number_in(document, "blockSize", 8),
        p=number_in(document, "parallelization", 1),
        salt=_salt(document, found),
        content=content,
    )


def _pbkdf2(value: str) -> str:
    match = _PBKDF2.fullmatch(value)
    if match is None:
        raise ForeignHashError("is not written as PBKDF2 in the PHC string format")
    # Auth0 takes OpenSSL's names: sha256, RSA-SHA256, sha256WithRSAEncryption.
    name = match["hash"].lower().removeprefix("rsa-").removesuffix("withrsaencryption").removesuffix("-2")
    if name not in PBKDF2_BYTES:
        raise ForeignHashError("is PBKDF2 over a hash that is none of SHA-1, SHA-256 and SHA-512")
    costs = dict(cost.partition("=")[::2] for cost in (match["costs"] or "").split(",") if cost)
    return pbkdf2(
        name,
        iterations=number_in(costs, "i", _PBKDF2_ITERATIONS),
        salt=bytes_of_base64(match["salt"], "salt"),
        content=bytes_of_base64(match["digest"], "digest"),
    )


def _ldap(value: str) -> str:
    """The service reads LDAP's digests as they are."""
    if not value.startswith("{") or read_fast_hash(value) is None:
        raise ForeignHashError("is of no scheme of LDAP that is a digest: {MD5}, {SMD5}, {SHA}, {SSHA}, {SSHA256}, …")
    return value
