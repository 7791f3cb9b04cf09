"""argon2id, argon2i and argon2d, by libargon2."""

from __future__ import annotations

from typing import Final

from argon2.exceptions import VerificationError, VerifyMismatchError
from argon2.low_level import Type, verify_secret

_TYPES: Final = {"argon2id": Type.ID, "argon2i": Type.I, "argon2d": Type.D}
"""By the name in the string."""


def matches(password: bytes, stored: str) -> bool:
    """Whether this is the password of a hash in the PHC string format.

    Raises:
        MemoryError: the machine has not as much memory as the hash takes.
    """
    try:
        return verify_secret(stored.encode(), password, _TYPES[stored.split("$", 2)[1]])
    except VerifyMismatchError:
        return False
    except VerificationError as error:  # nothing else is left that can fail: the string was parsed
        raise MemoryError from error
