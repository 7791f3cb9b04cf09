"""Firebase's own scrypt, in the spelling of Supabase's GoTrue (`internal/crypto/password.go`), without the signer key.

`$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==$salt$hash`: `n` is Firebase's `mem_cost` (the logarithm of N) and `r` its `rounds`.
The password and the salt, followed by the project's salt separator `ss`, give 32 bytes by scrypt. These are the key by
which AES-256 in counter mode encrypts the project's signer key. The result is the hash (github.com/firebase/scrypt).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Final

from schemas.password_hashes.encodings import NotCanonicalError, size_of_padded_base64
from schemas.password_hashes.refusals import (
    NO_SIGNER_KEY,
    SALT_BYTES,
    SIGNER_KEY_INSIDE,
    Form,
    PasswordHashError,
    number_within,
    require_size,
)
from schemas.password_hashes.scrypt import BOUNDS, LOGARITHMS_OF_N, check_cost

SCHEME: Final = "firebase-scrypt"
"""What `parse_password_hash` calls it."""

SIGNER_KEY_BYTES: Final = range(32, 129)
"""Of a project's signer key, and so of a hash. Firebase makes keys of 64 bytes."""

_SEPARATOR_BYTES: Final = range(1, 65)
"""Of a project's salt separator. Firebase has one byte."""

_PATTERN: Final = re.compile(
    r"\$fbscrypt\$v=1,n=(?P<n>\d++),r=(?P<r>\d++),p=(?P<p>\d++)(?:,ss=(?P<separator>[A-Za-z0-9+/]++={0,2}+))?+"
    r"(?P<key>,sk=[^$]*+)?+\$(?P<salt>[A-Za-z0-9+/]++={0,2}+)\$(?P<digest>[A-Za-z0-9+/]++={0,2}+)",
    re.ASCII,
)
"""A hash, perhaps with the signer key in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirebaseScrypt:
    """What a login needs besides the signer key."""

    n: int
    """N itself, not its logarithm."""
    r: int
    p: int
    salt: bytes = field(repr=False)
    """The customer's salt, then the project's separator."""
    digest: bytes = field(repr=False)
    """The encrypted signer key."""


def read_firebase_scrypt(text: str) -> FirebaseScrypt | None:
    """The parts of a hash that `parse_password_hash` accepts. None where the text is no such string."""
    match = _PATTERN.fullmatch(text)
    if match is None or match["key"] is not None:
        return None
    return FirebaseScrypt(
        n=1 << int(match["n"]),
        r=int(match["r"]),
        p=int(match["p"]),
        salt=base64.b64decode(match["salt"]) + base64.b64decode(match["separator"] or ""),
        digest=base64.b64decode(match["digest"]),
    )


def require_signer_key(text: str, signer_key_bytes: int | None) -> None:
    """Refuse an accepted hash that a login with this project's signer key could not verify.

    Args:
        text: the hash.
        signer_key_bytes: the length of the signer key. None where there is none.

    Raises:
        PasswordHashError: there is no key.
        NotCanonicalError: the hash is not as long as the key.
    """
    if signer_key_bytes is None:
        raise PasswordHashError(NO_SIGNER_KEY)
    if size_of_padded_base64(text.rpartition("$")[2]) != signer_key_bytes:
        raise NotCanonicalError


def _check(match: re.Match[str]) -> str:
    if match["key"] is not None:
        raise PasswordHashError(SIGNER_KEY_INSIDE)
    check_cost(1 << number_within(LOGARITHMS_OF_N, match["n"]), match)
    require_size(size_of_padded_base64(match["salt"]), SALT_BYTES)
    if match["separator"] is not None:
        require_size(size_of_padded_base64(match["separator"]), _SEPARATOR_BYTES)
    require_size(size_of_padded_base64(match["digest"]), SIGNER_KEY_BYTES)
    return SCHEME


FORMS: Final = (Form(beginning="$fbscrypt$", pattern=_PATTERN, check=_check, bounds=BOUNDS),)
"""How Firebase's hashes are written."""
