"""scrypt in two spellings.

- The PHC string format, which is passlib's too: `$scrypt$ln=16,r=8,p=1$salt$digest`. passlib verifies digests of 32
  bytes alone. A login verifies the others with `hashlib.scrypt`, whose `dklen` is the length of the digest.
- Django's: `scrypt$16384$salt$8$1$digest` with N, r and p, a salt of letters and digits, and a digest of 64 bytes.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.password_hashes.encodings import NotCanonicalError, size_of_base64, size_of_padded_base64
from schemas.password_hashes.refusals import SALT_BYTES, CostError, Form, number_within, require_size

_MAXIMUM_BYTES: Final = 128 * 1024 * 1024
"""Most memory that one hash may take: 128 N r."""

_MAXIMUM_WORK_BYTES: Final = 256 * 1024 * 1024
"""Most that one hash may write in all lanes: 128 N r p. A login's time grows with it."""

_LEAST_N: Final = 1024
"""With less, a guess takes next to no time."""

LOGARITHMS_OF_N: Final = range(1, 32)
"""Binary logarithms. Which of them a hash may have, the memory tells."""

_BLOCKS: Final = range(1, 1025)
"""Of `r`. More would not fit into the memory."""

_LANES: Final = range(1, 9)
"""Of `p`."""

_DIGEST_BYTES: Final = range(16, 65, 4)
"""In the PHC string format. Other lengths are those of hashes that were cut off."""

_DJANGO_BYTES: Final = range(64, 65)
"""Bytes of Django's digest."""

BOUNDS: Final = (
    "scrypt takes an N from 1,024 to what fits into 128 MiB (128 N r) and below 2^(16 r), and a p of 1 to 8"
    " within 256 MiB (128 N r p)"
)
"""The bounds, as a caller is told."""

_PHC: Final = re.compile(
    r"\$scrypt\$ln=(?P<ln>\d++),r=(?P<r>\d++),p=(?P<p>\d++)\$(?P<salt>[A-Za-z0-9+/]++)\$(?P<digest>[A-Za-z0-9+/]++)",
    re.ASCII,
)
"""A hash in the PHC string format."""

_DJANGO: Final = re.compile(
    r"scrypt\$(?P<n>\d++)\$(?P<salt>[A-Za-z0-9]{1,128}+)\$(?P<r>\d++)\$(?P<p>\d++)\$(?P<digest>[A-Za-z0-9+/]++={0,2}+)",
    re.ASCII,
)
"""A hash in Django's spelling."""


def check_cost(n: int, match: re.Match[str]) -> None:
    """Check N, and the groups `r` and `p`.

    Raises:
        CostError: a cost is outside the bounds.
        NotCanonicalError: a number has leading zeros.
    """
    r = number_within(_BLOCKS, match["r"])
    p = number_within(_LANES, match["p"])
    # RFC 7914, section 2: N is less than 2^(128 r / 8). OpenSSL refuses to work with a larger one.
    if n < _LEAST_N or 128 * n * r > _MAXIMUM_BYTES or 128 * n * r * p > _MAXIMUM_WORK_BYTES or n >= 1 << 16 * r:
        raise CostError


def _check_phc(match: re.Match[str]) -> str:
    check_cost(1 << number_within(LOGARITHMS_OF_N, match["ln"]), match)
    require_size(size_of_base64(match["salt"]), SALT_BYTES)
    require_size(size_of_base64(match["digest"]), _DIGEST_BYTES)
    return "scrypt"


def _check_django(match: re.Match[str]) -> str:
    n = number_within(range(2, 1 << 32), match["n"])
    if n & (n - 1):
        raise NotCanonicalError
    check_cost(n, match)
    require_size(size_of_padded_base64(match["digest"]), _DJANGO_BYTES)
    return "scrypt"


FORMS: Final = (
    Form(beginning="$scrypt$", pattern=_PHC, check=_check_phc, bounds=BOUNDS),
    Form(beginning="scrypt$", pattern=_DJANGO, check=_check_django, bounds=BOUNDS),
)
"""How hashes of scrypt are written."""
