"""Which family verifies a stored string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from passwords.verifying import argon2, bcrypt, digests, firebase_scrypt, pbkdf2, phpass, scrypt, sha_crypt
from schemas.password_hashes.fast_hashes import read_fast_hash
from schemas.password_hashes.parsing import HashRules, parse_password_hash
from schemas.password_hashes.refusals import PasswordHashError

if TYPE_CHECKING:
    from collections.abc import Callable

    from passwords.verifying.firebase_scrypt import FirebaseKey

_MATCHERS: Final[dict[str, Callable[[bytes, str], bool]]] = {
    "argon2id": argon2.matches,
    "argon2i": argon2.matches,
    "argon2d": argon2.matches,
    "bcrypt": bcrypt.matches,
    "bcrypt-sha256": bcrypt.matches_prehashed,
    "bcrypt-wordpress": bcrypt.matches_prehashed,
    "pbkdf2-sha1": pbkdf2.matches,
    "pbkdf2-sha256": pbkdf2.matches,
    "pbkdf2-sha512": pbkdf2.matches,
    "phpass": phpass.matches,
    "scrypt": scrypt.matches,
    "sha256-crypt": sha_crypt.matches,
    "sha512-crypt": sha_crypt.matches,
}
"""By a customer's `password_scheme`. Wrapped digests have one of their own for each combination of steps."""


def matches(password: bytes, stored: str, firebase: FirebaseKey | None) -> bool:
    """Whether this is the password of a stored string. Never where the service would not have stored it."""
    digest = read_fast_hash(stored)
    if digest is not None:
        return digests.matches(password, digest)
    rules = HashRules(signer_key_bytes=None if firebase is None else len(firebase.signer_key))
    try:
        scheme = parse_password_hash(stored, rules)
    except PasswordHashError:
        return False
    if firebase is not None and scheme == "firebase-scrypt":
        return firebase_scrypt.matches(password, stored, firebase)
    return _MATCHERS.get(scheme, digests.matches_wrapped)(password, stored)
