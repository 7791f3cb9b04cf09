"""The schemes in the tradition of crypt(3), with base64 alphabets of their own: bcrypt, phpass, sha-crypt.

Their hashes have fixed lengths. What an encoder leaves over in the last character is zero. Verifiers compare the whole
text, so a hash with other bits there would never be verified.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.password_hashes.encodings import BCRYPT_ALPHABET, CRYPT_ALPHABET, NotCanonicalError, leaves_no_bits
from schemas.password_hashes.refusals import CostError, Form, number_within

BCRYPT_COSTS: Final = range(4, 15)
"""Binary logarithms of iterations."""

_PHPASS_COSTS: Final = range(7, 19)
"""Binary logarithms of iterations."""

_SHA_CRYPT_ROUNDS: Final = range(1_000, 1_000_001)
"""A hash that names no rounds has 5,000."""

_BCRYPT_SALT_BITS: Final = 128
"""Of bcrypt's salt."""
_BCRYPT_DIGEST_BITS: Final = 184
"""Of bcrypt's digest: 23 of 24 bytes are written."""
_PHPASS_DIGEST_BITS: Final = 128
"""Of phpass' digest."""

BCRYPT: Final = re.compile(
    r"\$2[aby]\$(?P<cost>\d{2})\$(?P<salt>[./A-Za-z0-9]{22})(?P<digest>[./A-Za-z0-9]{31})", re.ASCII
)
"""A hash of bcrypt. `$2x$` is a faulty implementation's, and `$2$` an older one's."""

_PHPASS: Final = re.compile(r"\$[PH]\$(?P<cost>[./0-9A-Za-z])[./0-9A-Za-z]{8}(?P<digest>[./0-9A-Za-z]{22})", re.ASCII)
"""A hash of phpass. phpBB writes the `H`."""

_SHA_CRYPT: Final = re.compile(
    r"\$(?:5\$(?:rounds=(?P<rounds256>\d++)\$)?+[./0-9A-Za-z]{1,16}+\$(?P<digest256>[./0-9A-Za-z]{43})"
    r"|6\$(?:rounds=(?P<rounds512>\d++)\$)?+[./0-9A-Za-z]{1,16}+\$(?P<digest512>[./0-9A-Za-z]{86}))",
    re.ASCII,
)
"""A salt of none is possible, and refused: all such hashes of one password are the same."""


def check_bcrypt(match: re.Match[str]) -> str:
    """Check the cost, the salt and the digest of bcrypt, and return its scheme.

    Raises:
        CostError: the cost is outside the bounds.
        NotCanonicalError: the salt or the digest is not written as bcrypt writes it.
    """
    if int(match["cost"]) not in BCRYPT_COSTS:
        raise CostError
    for name, bits in (("salt", _BCRYPT_SALT_BITS), ("digest", _BCRYPT_DIGEST_BITS)):
        if not leaves_no_bits(match[name], BCRYPT_ALPHABET, bits=bits, high_first=True):
            raise NotCanonicalError
    return "bcrypt"


def _check_phpass(match: re.Match[str]) -> str:
    if CRYPT_ALPHABET.index(match["cost"]) not in _PHPASS_COSTS:
        raise CostError
    if not leaves_no_bits(match["digest"], CRYPT_ALPHABET, bits=_PHPASS_DIGEST_BITS, high_first=False):
        raise NotCanonicalError
    return "phpass"


def _check_sha_crypt(match: re.Match[str]) -> str:
    bits = 256 if match["digest256"] is not None else 512
    rounds, digest = match[f"rounds{bits}"], match[f"digest{bits}"]
    if rounds is not None:
        number_within(_SHA_CRYPT_ROUNDS, rounds)
    if not leaves_no_bits(digest, CRYPT_ALPHABET, bits=bits, high_first=False):
        raise NotCanonicalError
    return f"sha{bits}-crypt"


OF_BCRYPT: Final = "bcrypt takes a cost of 4 to 14"
"""What a caller is told of bcrypt's bounds."""
_OF_PHPASS: Final = "phpass takes 2^7 to 2^18 iterations"
"""What a caller is told of phpass' bounds."""
_OF_SHA_CRYPT: Final = "sha-crypt takes 1,000 to 1,000,000 rounds"
"""What a caller is told of sha-crypt's bounds."""

FORMS: Final = (
    *(
        Form(beginning=beginning, pattern=BCRYPT, check=check_bcrypt, bounds=OF_BCRYPT)
        for beginning in ("$2b$", "$2y$", "$2a$")
    ),
    *(
        Form(beginning=beginning, pattern=_PHPASS, check=_check_phpass, bounds=_OF_PHPASS)
        for beginning in ("$P$", "$H$")
    ),
    *(
        Form(beginning=beginning, pattern=_SHA_CRYPT, check=_check_sha_crypt, bounds=_OF_SHA_CRYPT)
        for beginning in ("$6$", "$5$")
    ),
)
"""How hashes of bcrypt, phpass and sha-crypt are written."""
