"""Keycloak's passwords: the credential documents of a user in an export of a realm.

A document's `secretData` and `credentialData` are JSON texts. Keycloak before version 8 wrote their fields into the
document itself. PBKDF2 and argon2 are those of `Pbkdf2PasswordHashProvider` and `Argon2PasswordHashProvider` in
keycloak/keycloak. Keycloak fills short passwords up with zero bytes for PBKDF2. That changes nothing, because HMAC
does the same (RFC 2104).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cli.importing.hashes.documents import number_in, object_in, text_in
from cli.importing.hashes.foreign_hash import ForeignHashError
from cli.importing.hashes.spelling import argon2, bytes_of_base64, pbkdf2

if TYPE_CHECKING:
    from collections.abc import Mapping

_PBKDF2: Final = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}
"""Keycloak's name for an algorithm → its hash. They make 64 bytes in older releases, whatever the hash is."""

_ARGON2_KINDS: Final = {"id": "argon2id", "i": "argon2i", "d": "argon2d"}
"""Keycloak's name for a type of argon2 → its usual name."""

_ARGON2_VERSIONS: Final = {"1.0": 16, "1.3": 19}
"""Keycloak's name for a version of argon2 → its number."""


def is_hashed(credential: Mapping[str, Any]) -> bool:
    """Whether the document holds a hash. A document that was made by hand may hold the password itself, as `value`."""
    return "secretData" in credential or "hashedSaltedValue" in credential


def translate(credential: Mapping[str, Any]) -> str:
    """The hash of a credential document of the type `password`, as the service takes it.

    Raises:
        ForeignHashError: it is of no algorithm that Keycloak has by itself, or something of it is missing.
    """
    if "secretData" in credential:
        secret, costs = object_in(credential, "secretData"), object_in(credential, "credentialData")
        value = text_in(secret, "value")
    else:
        secret = costs = credential
        value = text_in(credential, "hashedSaltedValue")
    algorithm = text_in(costs, "algorithm")
    # An extension of Keycloak makes bcrypt. Its string has the costs and the salt in it.
    if algorithm == "bcrypt" and value.startswith("$2"):
        return value
    content = bytes_of_base64(value, "value")
    salt = bytes_of_base64(text_in(secret, "salt"), "salt")
    if algorithm in _PBKDF2:
        iterations = number_in(costs, "hashIterations")
        return pbkdf2(_PBKDF2[algorithm], iterations=iterations, salt=salt, content=content)
    if algorithm == "argon2":
        return _argon2(costs, salt=salt, content=content)
    raise ForeignHashError("is of no algorithm that can be taken over from Keycloak: pbkdf2, argon2")


def _argon2(costs: Mapping[str, Any], *, salt: bytes, content: bytes) -> str:
    more = object_in(costs, "additionalParameters")
    kind, version = _ARGON2_KINDS.get(text_in(more, "type")), _ARGON2_VERSIONS.get(text_in(more, "version"))
    if kind is None or version is None:
        raise ForeignHashError("is of no type or version of argon2 that is known")
    return argon2(
        kind,
        version=version,
        kib=number_in(more, "memory"),
        passes=number_in(costs, "hashIterations"),
        lanes=number_in(more, "parallelism"),
        salt=salt,
        content=content,
    )
