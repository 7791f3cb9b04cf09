"""Clear passwords that look like hashes: somebody may have meant the other field."""

from __future__ import annotations

from typing import Any, Final

from schemas.password_hashes.parsing import parse_password_hash
from schemas.password_hashes.refusals import TOO_LONG, UNKNOWN, PasswordHashError

LOOKS_LIKE_HASH: Final = "a password looks like a hash: did you mean passwordHash?"
"""The warning. The row is sent all the same: nobody forbids such a password."""

_LEAST_CHARACTERS: Final = 30
"""Of what is looked at. Every hash has more, and hardly any password that a person thought of."""


def looks_like_hash(password: Any) -> bool:
    """Whether a clear password is written like a hash, of a kind that can be imported or not."""
    if not isinstance(password, str) or len(password) < _LEAST_CHARACTERS:
        return False
    try:
        parse_password_hash(password)
    except PasswordHashError as error:
        return str(error) not in {UNKNOWN, TOO_LONG}
    return True
