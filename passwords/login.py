"""The function of a login: whether a password is the one of a stored hash, and what to store in its place."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import SecretStr

from passwords.cost import TODAY, PasswordCost
from passwords.hashing import Argon2Passwords
from passwords.verifying import argon2, digests
from passwords.verifying.schemes import matches
from schemas.password_hashes.encodings import NotCanonicalError
from schemas.password_hashes.refusals import MAXIMUM_CHARACTERS
from schemas.password_hashes.wrapped import read_wrapped

if TYPE_CHECKING:
    from passwords.verifying.firebase_scrypt import FirebaseKey
    from schemas.password_hashes.wrapped import WrappedHash

_MAXIMUM_BYTES: Final = 4096
"""Of a password in UTF-8. The contract's 1,024 characters are never more. WordPress and passlib have the same bound."""


class Verification(NamedTuple):
    """What a login learns about a password."""

    ok: bool
    """Whether it is the customer's password."""
    replacement: str | None
    """A new hash of this password. Store it in place of the old one. None where the old one is good, or `ok` is not."""


_NO: Final = Verification(ok=False, replacement=None)
"""The answer to a wrong password."""


def verify(
    password: str, stored: str | None, *, cost: PasswordCost = TODAY, firebase: FirebaseKey | None = None
) -> Verification:
    """Whether this is the password of the customer whose `password_hash` is `stored`.

    Every hash that the service stores is verified. Anything else is never right, and costs nothing. No password and no
    stored string raises an exception. The work is bounded: see docs/password-hashes.md.

    Args:
        password: as the customer typed it.
        stored: the customer's `password_hash`. None where there is no such customer: then one hash is made in vain, so
            that the time of the answer does not tell who is a customer.
        cost: of an argon2id hash made today. A stored hash of another scheme or cost gets a replacement.
        firebase: the key of the Firebase project that customers came from. Without it, theirs are never right.

    Raises:
        MemoryError: the machine has not as much memory as a hash takes.
    """
    secret = _bytes_of(password)
    if secret is None:
        return _NO
    if stored is None:
        _hashed(password, cost)
        return _NO
    if not _is_right(secret, stored, cost, firebase=firebase):
        return _NO
    return Verification(ok=True, replacement=None if _is_of_cost(stored, cost) else _hashed(password, cost))


def _is_right(secret: bytes, stored: str, cost: PasswordCost, *, firebase: FirebaseKey | None) -> bool:
    # Whoever sets the worker's cost may set it beyond the bounds of what others bring.
    if _is_of_cost(stored, cost):
        return argon2.matches(secret, stored)
    wrapped = _wrapped(stored)
    if wrapped is not None and _is_of_cost(wrapped.argon2, cost):
        return digests.matches_wrapped(secret, stored)
    return matches(secret, stored, firebase)


def _wrapped(stored: str) -> WrappedHash | None:
    try:
        return read_wrapped(stored) if len(stored) <= MAXIMUM_CHARACTERS else None
    except NotCanonicalError:
        return None


def _bytes_of(password: str) -> bytes | None:
    """The password as products hash it. None where no customer can have it.

    The contract knows no empty password, though exports hold hashes of it. It knows no U+0000 either: verifiers in C
    read no further, so a password and anything behind a U+0000 would be taken for the password.
    """
    if not password or "\0" in password or len(password) > _MAXIMUM_BYTES:
        return None
    try:
        secret = password.encode()
    except UnicodeEncodeError:  # a surrogate alone
        return None
    return secret if len(secret) <= _MAXIMUM_BYTES else None


@lru_cache(maxsize=8)
def _hasher(cost: PasswordCost) -> Argon2Passwords:
    return Argon2Passwords(cost)


def _hashed(password: str, cost: PasswordCost) -> str:
    try:
        return _hasher(cost).hash(SecretStr(password))
    except ValueError as error:  # so passlib tells that argon2 got no memory
        raise MemoryError from error


def _is_of_cost(stored: str, cost: PasswordCost) -> bool:
    """Whether the worker would write such a hash today: argon2id, 16 bytes of salt, 32 of digest."""
    start = rf"\$argon2id\$v=19\$m={cost.memory_kib},t={cost.time_cost},p={cost.parallelism}\$"
    return re.fullmatch(start + r"[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}", stored) is not None
