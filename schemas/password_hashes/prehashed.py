"""bcrypt of another hash of the password, which lifts bcrypt's bound of 72 bytes.

- WordPress from 6.8 on, `$wp$2y$10$…`: the password without white space around it, by HMAC-SHA384 with the key
  `wp-sha384`, in base64 (`wp_hash_password` in `wp-includes/pluggable.php`). What a login was given loses its white
  space before it gets there (`wp_authenticate`).
- Django, `bcrypt_sha256$$2b$12$…`: SHA-256 in hexadecimal digits (`BCryptSHA256PasswordHasher`).
- passlib, `$bcrypt-sha256$v=2,t=2b,r=12$salt$digest`: HMAC-SHA256 with the text of bcrypt's salt as key, in base64.
  Its first version, `$bcrypt-sha256$2b,12$salt$digest`: SHA-256 in base64 (`passlib/handlers/bcrypt.py`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from schemas.password_hashes import crypt_strings
from schemas.password_hashes.refusals import CostError, Form, number_within

if TYPE_CHECKING:
    from collections.abc import Callable

WORDPRESS_WHITE_SPACE: Final = b" \n\r\t\v\0"
"""What PHP's `trim` takes away on both sides. WordPress does so with every password, whatever its hash."""

_WORDPRESS: Final = re.compile(rf"\$wp(?P<bcrypt>{crypt_strings.BCRYPT.pattern})", re.ASCII)
"""A hash of WordPress."""

_WORDPRESS_COSTS: Final = range(4, 14)
"""Binary logarithms. One less than bcrypt's, since a login may have to try two spellings of a password (see
`passwords.verifying.wordpress`). WordPress' own are 10, and 12 from PHP 8.4 on."""

_DJANGO: Final = re.compile(rf"bcrypt_sha256\$(?P<bcrypt>{crypt_strings.BCRYPT.pattern})", re.ASCII)
"""A hash of Django."""

_PASSLIB: Final = re.compile(
    r"\$bcrypt-sha256\$(?:v=(?P<version>2),t=(?=2b))?+(?P<kind>2[ab]),(?(version)r=)(?P<cost>\d++)"
    r"\$(?P<salt>[./A-Za-z0-9]{22})\$(?P<digest>[./A-Za-z0-9]{31})",
    re.ASCII,
)
"""A hash of passlib, in both versions."""


@dataclass(frozen=True, slots=True)
class Prehashed:
    """What a login needs to verify such a hash."""

    bcrypt: str = field(repr=False)
    """The hash as bcrypt itself writes it."""
    prehash: Callable[[bytes], bytes] = field(repr=False)
    """Password in UTF-8 → what bcrypt was given. It has no NUL, and at most 72 bytes."""


def read_prehashed(text: str) -> Prehashed | None:
    """The parts of a hash that `parse_password_hash` accepts. None where the text is of none of these forms."""
    if match := _WORDPRESS.fullmatch(text):
        return Prehashed(match["bcrypt"], _by_wordpress)
    if match := _DJANGO.fullmatch(text):
        return Prehashed(match["bcrypt"], _by_django)
    if match := _PASSLIB.fullmatch(text):
        bcrypt = f"${match['kind']}${int(match['cost']):02}${match['salt']}{match['digest']}"
        keyed = partial(_by_passlib, match["salt"].encode())
        return Prehashed(bcrypt, keyed if match["version"] else _by_first_passlib)
    return None


def _by_wordpress(password: bytes) -> bytes:
    return base64.b64encode(hmac.digest(b"wp-sha384", password.strip(WORDPRESS_WHITE_SPACE), "sha384"))


def _by_django(password: bytes) -> bytes:
    return hashlib.sha256(password).hexdigest().encode()


def _by_passlib(salt: bytes, password: bytes) -> bytes:
    return base64.b64encode(hmac.digest(salt, password, "sha256"))


def _by_first_passlib(password: bytes) -> bytes:
    return base64.b64encode(hashlib.sha256(password).digest())


def _check_wordpress(match: re.Match[str]) -> str:
    if int(match["cost"]) not in _WORDPRESS_COSTS:
        raise CostError
    crypt_strings.check_bcrypt(match)
    return "bcrypt-wordpress"


def _check_django(match: re.Match[str]) -> str:
    crypt_strings.check_bcrypt(match)
    return "bcrypt-sha256"


def _check_passlib(match: re.Match[str]) -> str:
    number_within(crypt_strings.BCRYPT_COSTS, match["cost"])
    crypt_strings.check_bcrypt(match)
    return "bcrypt-sha256"


_OF_WORDPRESS: Final = "bcrypt takes a cost of 4 to 13 in WordPress' spelling"
"""What a caller is told of the bounds."""

FORMS: Final = (
    Form(beginning="$wp$", pattern=_WORDPRESS, check=_check_wordpress, bounds=_OF_WORDPRESS),
    Form(beginning="bcrypt_sha256$", pattern=_DJANGO, check=_check_django, bounds=crypt_strings.OF_BCRYPT),
    Form(beginning="$bcrypt-sha256$", pattern=_PASSLIB, check=_check_passlib, bounds=crypt_strings.OF_BCRYPT),
)
"""How bcrypt of another hash is written."""
