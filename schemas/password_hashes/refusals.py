"""Why a string may not be imported as a password hash, and the checks that every scheme shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas.password_hashes.encodings import NotCanonicalError

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

MAXIMUM_CHARACTERS: Final = 512
"""Of one hash."""

TOO_LONG: Final = f"should have at most {MAXIMUM_CHARACTERS} characters"
"""Why a long string is refused."""

FAST: Final = (
    "is a fast hash (MD5, SHA-1 or SHA-2, salted or not), which protects no password: refused, unless the service is"
    " set to wrap it (INTAKE_WRAP_FAST_HASHES)"
)
"""Why a hash without a cost is refused that tells how it was made."""

UNWRAPPABLE: Final = (
    "is a fast hash (MD5, SHA-1 or SHA-2, salted or not), which protects no password, and not of a form that the"
    " service can wrap: refused"
)
"""Why other hashes without a cost are refused."""

UNKNOWN: Final = (
    "is no hash of a kind that can be imported: argon2, bcrypt, PBKDF2, scrypt, phpass, sha256-crypt, sha512-crypt,"
    " Firebase's scrypt"
)
"""Why other strings are refused."""

MALFORMED: Final = "looks like a hash of a known kind, but is not written as one: no login could verify it"
"""Why a hash is refused that has a known beginning."""

PREFIXED: Final = "has another system's prefix before the hash: send the hash alone"
"""Why a hash is refused that another system keeps behind a name of its own."""

NO_SIGNER_KEY: Final = (
    "is a hash of Firebase, which no login can verify without the project's signer key: the service has none"
    " (INTAKE_FIREBASE_SIGNER_KEY)"
)
"""Why a hash of Firebase is refused where the worker has no signer key."""

SIGNER_KEY_INSIDE: Final = "holds the project's signer key, which is for the service's worker alone: leave out sk="
"""Why a hash of Firebase is refused that brings the key along."""

SALT_BYTES: Final = range(4, 65)
"""Bytes of a salt that is written in base64."""


_MAXIMUM_DIGITS: Final = 10
"""Of a number. No bound has more."""


class PasswordHashError(ValueError):
    """The string may not be imported. The message says why, and holds nothing of it."""


class CostError(ValueError):
    """A cost is outside its bounds. The message holds nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way in which the hashes of a scheme are written."""

    beginning: str
    """What only hashes of this scheme begin with. Its first three characters are no other scheme's."""
    pattern: re.Pattern[str]
    """The whole hash. It tries no character twice."""
    check: Callable[[re.Match[str]], str]
    """Checks what a pattern cannot, and returns the scheme. Raises `CostError` or `NotCanonicalError`."""
    bounds: str
    """The bounds of the cost, as a caller is told."""


def number_within(bounds: range, text: str) -> int:
    """The number that these digits write.

    Raises:
        NotCanonicalError: it has leading zeros.
        CostError: it is outside the bounds.
    """
    if text.startswith("0") and text != "0":
        raise NotCanonicalError
    # Reading a number takes time that grows with the square of its digits.
    if len(text) > _MAXIMUM_DIGITS or (number := int(text)) not in bounds:
        raise CostError
    return number


def require_size(size: int, sizes: range) -> None:
    """Refuse another number of bytes.

    Raises:
        NotCanonicalError: there are more or fewer.
    """
    if size not in sizes:
        raise NotCanonicalError
