"""argon2id, argon2i and argon2d in the PHC string format, as libargon2 writes and reads them.

A string without a version is of version 16, the only one when the format had none.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.password_hashes.encodings import size_of_base64
from schemas.password_hashes.refusals import CostError, Form, number_within, require_size

LANES: Final = range(1, 9)
"""Of `p`."""
PASSES: Final = range(1, 17)
"""Of `t`."""
MAXIMUM_KIB: Final = 256 * 1024
"""Of `m`."""
MAXIMUM_KIB_OF_ALL_PASSES: Final = 1024 * 1024
"""Of `m` and `t` together, which is what a login's time grows with."""
_LEAST_KIB_A_LANE: Final = 8
"""Less memory than this makes no argon2."""

_SALT_BYTES: Final = range(8, 65)
"""libargon2 takes no shorter salt."""
_DIGEST_BYTES: Final = range(16, 65, 4)
"""Other lengths are those of hashes that were cut off."""

BOUNDS: Final = (
    "argon2 takes from 8 KiB a lane to 256 MiB, 1 to 16 passes over at most 1 GiB together, and 1 to 8 lanes"
)
"""The bounds, as a caller is told."""

PATTERN: Final = re.compile(
    r"\$(?P<scheme>argon2(?:id|i|d))(?:\$v=(?:16|19))?+\$m=(?P<m>\d++),t=(?P<t>\d++),p=(?P<p>\d++)"
    r"\$(?P<salt>[A-Za-z0-9+/]++)\$(?P<digest>[A-Za-z0-9+/]++)",
    re.ASCII,
)
"""Without `keyid` and `data`: to verify such a hash takes more than the string."""


def check(match: re.Match[str]) -> str:
    """Check what `PATTERN` cannot, and return the kind of argon2.

    Raises:
        CostError: a cost is outside the bounds.
        NotCanonicalError: a number, the salt or the digest is not written as an encoder would.
    """
    lanes = number_within(LANES, match["p"])
    passes = number_within(PASSES, match["t"])
    kib = number_within(range(_LEAST_KIB_A_LANE * lanes, MAXIMUM_KIB + 1), match["m"])
    if kib * passes > MAXIMUM_KIB_OF_ALL_PASSES:
        raise CostError
    require_size(size_of_base64(match["salt"]), _SALT_BYTES)
    require_size(size_of_base64(match["digest"]), _DIGEST_BYTES)
    return match["scheme"]


FORMS: Final = (
    Form(
        beginning="$argon2",
        pattern=PATTERN,
        check=check,
        bounds=BOUNDS,
    ),
)
"""How hashes of argon2 are written."""
