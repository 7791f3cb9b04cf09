"""PBKDF2 in the spellings of PHC, passlib and Django."""

from __future__ import annotations

import hashlib
import hmac

from passwords.verifying.encodings import bytes_of_base64


def matches(password: bytes, stored: str) -> bool:
    """Whether this is the password of a hash of PBKDF2. The digest may be shorter than what the hash function gives."""
    label, costs, salt, digest = stored.removeprefix("$").split("$")
    name = label.removeprefix("pbkdf2").lstrip("-_") or "sha1"
    # Django's salt is the text itself: letters and digits.
    raw_salt = bytes_of_base64(salt) if stored.startswith("$") else salt.encode()
    rounds = int(costs.partition(",")[0].removeprefix("i="))
    expected = bytes_of_base64(digest)
    return hmac.compare_digest(hashlib.pbkdf2_hmac(name, password, raw_salt, rounds, len(expected)), expected)
