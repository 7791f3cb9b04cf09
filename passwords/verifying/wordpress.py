"""How WordPress spells a password before it hashes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from schemas.password_hashes.prehashed import WORDPRESS_WHITE_SPACE

if TYPE_CHECKING:
    from collections.abc import Iterator

_SLASHED: Final = re.compile(rb"(['\"\\])")
"""What `wp_magic_quotes` (wp-includes/load.php) puts a backslash before, in all that a form sends."""


def spellings(password: bytes) -> Iterator[bytes]:
    """The spellings whose hash WordPress may have stored: one, or two where the password has a quote or a backslash.

    The likelier one comes first. All are without white space around them (`wp_authenticate` in
    wp-includes/pluggable.php). WordPress' forms hash and verify the password with the backslashes that it adds to all
    input (`wp_signon` in wp-includes/user.php); so do WooCommerce's from 3.6.3 on (its pull request 23499). WordPress'
    command line hashes the password as it is.
    """
    trimmed = password.strip(WORDPRESS_WHITE_SPACE)
    slashed = _SLASHED.sub(rb"\\\1", trimmed)
    yield slashed
    if slashed != trimmed:
        yield trimmed
