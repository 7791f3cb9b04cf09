"""The bytes behind the digits of a parsed hash, and the other way round."""

from __future__ import annotations

import base64

from schemas.password_hashes.encodings import CRYPT_ALPHABET


def bytes_of_base64(digits: str) -> bytes:
    """The bytes of standard base64, or of passlib's with `.` in place of `+`. With padding or without."""
    bare = digits.rstrip("=").replace(".", "+")
    return base64.b64decode(bare + "=" * (-len(bare) % 4))


def crypt_digits(raw: bytes) -> str:
    """Bytes as crypt(3) and phpass write them: three at a time, the lowest six bits first."""
    digits = []
    for start in range(0, len(raw), 3):
        some = raw[start : start + 3]
        number = int.from_bytes(some, "little")
        digits += [CRYPT_ALPHABET[number >> 6 * place & 63] for place in range(len(some) + 1)]
    return "".join(digits)
