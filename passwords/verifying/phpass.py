"""phpass' portable hashes: WordPress before 6.8 (`$P$`) and phpBB 3 (`$H$`).

The algorithm is that of `crypt_private` in Openwall's phpass: MD5 over and over, each time with the password.
"""

from __future__ import annotations

import hashlib
import hmac

from passwords.verifying import wordpress
from passwords.verifying.encodings import crypt_digits
from passwords.verifying.work import is_bounded
from schemas.password_hashes.encodings import CRYPT_ALPHABET


def matches(password: bytes, stored: str) -> bool:
    """Whether this is the password of a hash of phpass. `$P$` is taken for a hash of WordPress."""
    # What others than WordPress store as $P$ is not trimmed, so the password as it is comes first.
    spellings = dict.fromkeys((password, *wordpress.spellings(password)) if stored.startswith("$P$") else (password,))
    return any(_is_hash_of(spelling, stored) for spelling in spellings)


def _is_hash_of(password: bytes, stored: str) -> bool:
    rounds = 1 << CRYPT_ALPHABET.index(stored[3])
    if not is_bounded(rounds, password):
        return False
    digest = hashlib.md5(stored[4:12].encode() + password).digest()  # noqa: S324 - the scheme is made of MD5
    for _ in range(rounds):
        digest = hashlib.md5(digest + password).digest()  # noqa: S324
    return hmac.compare_digest(crypt_digits(digest), stored[12:])
