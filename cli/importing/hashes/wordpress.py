"""WordPress' passwords, as `wp_users.user_pass` holds them.

From 6.8 on, `wp_hash_password` makes bcrypt of a digest of the password and writes `$wp` before it. Earlier releases
made phpass (`$P$`), and the first ones MD5, which `wp_check_password` still takes (wp-includes/pluggable.php). Plugins
make bcrypt of the password itself, or argon2.
"""

from __future__ import annotations

import re
from typing import Final

from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError
from cli.importing.hashes.spelling import digest
from schemas.password_hashes.digests import Step

_AS_THEY_ARE: Final = ("$wp$2", "$P$", "$H$", "$2a$", "$2b$", "$2y$", "$argon2")
"""How hashes begin that the service takes in WordPress' own spelling."""

_MD5: Final = re.compile(r"[0-9a-f]{32}")
"""A hash from before WordPress 2.5."""

_FAILURES: Final = frozenset(("*", "*0", "*1"))
"""What WordPress and phpass store where they could make no hash. No password fits."""


def translate(text: str) -> str:
    """The hash as the service takes it.

    Raises:
        NoPasswordError: there is none.
        ForeignHashError: it is of no kind that WordPress makes.
    """
    text = text.strip()
    if not text or text in _FAILURES:
        raise NoPasswordError
    if text.startswith(_AS_THEY_ARE):
        return text
    if _MD5.fullmatch(text):
        return digest((Step("md5"),), bytes.fromhex(text))
    raise ForeignHashError("is no hash of a kind that WordPress makes: $wp$2y$, $P$ or MD5")
