"""scrypt in the spellings of PHC, passlib and Django."""

from __future__ import annotations

import hashlib
import hmac

from passwords.verifying.encodings import bytes_of_base64


def matches(password: bytes, stored: str) -> bool:
    """Whether this is the password of a hash of scrypt."""
    if stored.startswith("$"):
        _, _, costs, salt_digits, digest = stored.split("$")
        exponent, r, p = (int(cost.partition("=")[2]) for cost in costs.split(","))
        n, salt = 1 << exponent, bytes_of_base64(salt_digits)
    else:
        _, n_digits, salt_text, r_digits, p_digits, digest = stored.split("$")
        n, r, p, salt = int(n_digits), int(r_digits), int(p_digits), salt_text.encode()
    expected = bytes_of_base64(digest)
    return hmac.compare_digest(derived(password, salt, n=n, r=r, p=p, size=len(expected)), expected)


def derived(password: bytes, salt: bytes, *, n: int, r: int, p: int, size: int) -> bytes:
    """The key that scrypt derives (RFC 7914).

    Raises:
        MemoryError: the machine has not as much memory as the hash takes.
    """
    # OpenSSL refuses to take more memory than it is told: N + 2 blocks, and one for each lane.
    most = 128 * r * (n + p + 2)
    try:
        return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=most, dklen=size)
    except ValueError as error:  # nothing else is left that can fail: the string was parsed
        raise MemoryError from error
