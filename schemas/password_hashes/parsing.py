"""Parses a password hash whole: its scheme, its costs, its salt and its digest.

The accepted schemes and their bounds are those of the HTTP contract (`passwordHash` of `customer.create`). The bounds
keep anybody from importing a login that takes seconds. The forms are documented by their makers: the PHC string format
(argon2, scrypt, PBKDF2), passlib's and Django's manuals, OpenBSD's bcrypt, phpass, and Drepper's sha-crypt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from schemas.password_hashes.encodings import (
    BCRYPT_ALPHABET,
    CRYPT_ALPHABET,
    NotCanonicalError,
    from_adapted_base64,
    from_base64,
    leaves_no_bits,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MAXIMUM_CHARACTERS: Final = 512
"""Of one hash."""

_FAST: Final = "is a fast hash (MD5, SHA-1 or SHA-2, salted or not), which protects no password: refused"
"""Why a hash without a cost is refused."""
_UNKNOWN: Final = "is no hash of a kind that can be imported"
"""Why other strings are refused."""
_MALFORMED: Final = "looks like a hash of a known kind, but is not written as one: no login could verify it"
"""Why a hash is refused that has a known beginning."""
_COST: Final = "has a cost outside the bounds: see the documentation of passwordHash"
"""Why a hash is refused whose verification takes too long, or next to no time."""

_SALT_BYTES: Final = range(4, 65)
"""Bytes of a salt that is written in base64."""
_DIGEST_BYTES: Final = range(16, 65, 4)
"""Bytes of a digest whose length the scheme leaves open. Others are those of a hash that was cut off."""


class PasswordHashError(ValueError):
    """The string may not be imported. The message says why, and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A hash that may be stored and that a login can verify."""

    scheme: str
    """How it was made: `argon2id`, `bcrypt`, `pbkdf2-sha256`, ….  Two spellings of one scheme have one name."""
    text: str = field(repr=False)
    """The hash as it came."""


def parse_password_hash(text: str) -> PasswordHash:
    """The hash, if it is of an accepted scheme, written as its scheme demands, and of a cost within the bounds.

    Raises:
        PasswordHashError: it is not.
    """
    if len(text) <= MAXIMUM_CHARACTERS:
        for pattern, check in FORMS:
            match = pattern.fullmatch(text)
            if match is not None:
                try:
                    return PasswordHash(check(match), text)
                except NotCanonicalError:
                    raise PasswordHashError(_MALFORMED) from None
        if any(pattern.fullmatch(text) for pattern in FAST_FORMS):
            raise PasswordHashError(_FAST)
    raise PasswordHashError(_MALFORMED if text.startswith(_KNOWN_BEGINNINGS) else _UNKNOWN)


def _number(text: str, bounds: range) -> int:
    """The number, which is written without leading zeros."""
    if (text.startswith("0") and text != "0") or len(text) > len(str(bounds[-1])) or int(text) not in bounds:
        raise PasswordHashError(_COST)
    return int(text)


def _sized(raw: bytes, sizes: range) -> None:
    if len(raw) not in sizes:
        raise NotCanonicalError


def _argon2(match: re.Match[str]) -> str:
    lanes = _number(match["p"], range(1, 9))
    _number(match["t"], range(1, 17))
    _number(match["m"], range(8 * lanes, 256 * 1024 + 1))
    _sized(from_base64(match["salt"]), range(8, 65))
    _sized(from_base64(match["digest"]), _DIGEST_BYTES)
    return match["scheme"]


def _bcrypt(match: re.Match[str]) -> str:
    if int(match["cost"]) not in range(4, 15):
        raise PasswordHashError(_COST)
    if not (
        leaves_no_bits(match["salt"], BCRYPT_ALPHABET, bits=128, high_first=True)
        and leaves_no_bits(match["digest"], BCRYPT_ALPHABET, bits=184, high_first=True)
    ):
        raise NotCanonicalError
    return "bcrypt"


_ITERATIONS: Final = range(1000, 2_000_001)
"""Of PBKDF2. RFC 8018 (section 4.2) recommends 1,000 at least."""

_SHA_BYTES: Final = {"sha1": 20, "sha256": 32, "sha512": 64}
"""Bytes of a digest."""


def _pbkdf2_of_phc(match: re.Match[str]) -> str:
    _number(match["rounds"], _ITERATIONS)
    _sized(from_base64(match["salt"]), _SALT_BYTES)
    digest = from_base64(match["digest"])
    _sized(digest, _DIGEST_BYTES)
    if match["length"] is not None and match["length"] != str(len(digest)):
        raise NotCanonicalError
    return f"pbkdf2-{match['hash']}"


def _pbkdf2_of_passlib(match: re.Match[str]) -> str:
    _number(match["rounds"], _ITERATIONS)
    name = match["hash"] or "sha1"
    _sized(from_adapted_base64(match["salt"]), _SALT_BYTES)
    _sized(from_adapted_base64(match["digest"]), range(_SHA_BYTES[name], _SHA_BYTES[name] + 1))
    return f"pbkdf2-{name}"


def _pbkdf2_of_django(match: re.Match[str]) -> str:
    _number(match["rounds"], _ITERATIONS)
    size = _SHA_BYTES[match["hash"]]
    _sized(from_base64(match["digest"], padded=True), range(size, size + 1))
    return f"pbkdf2-{match['hash']}"


_SCRYPT_BYTES: Final = 128 * 1024 * 1024
"""Most memory that one scrypt may take: 128 N r."""


def _scrypt_cost(cost: int, block: str, lanes: str) -> None:
    size = _number(block, range(1, 65))
    _number(lanes, range(1, 9))
    if cost < 1024 or 128 * cost * size > _SCRYPT_BYTES:  # noqa: PLR2004 - the least N of which a guess takes a millisecond
        raise PasswordHashError(_COST)


def _scrypt_of_phc(match: re.Match[str]) -> str:
    _scrypt_cost(1 << _number(match["ln"], range(1, 31)), match["r"], match["p"])
    _sized(from_base64(match["salt"]), _SALT_BYTES)
    _sized(from_base64(match["digest"]), _DIGEST_BYTES)
    return "scrypt"


def _scrypt_of_django(match: re.Match[str]) -> str:
    cost = _number(match["n"], range(2, 1 << 31))
    if cost & (cost - 1):
        raise NotCanonicalError
    _scrypt_cost(cost, match["r"], match["p"])
    _sized(from_base64(match["digest"], padded=True), range(64, 65))
    return "scrypt"


def _phpass(match: re.Match[str]) -> str:
    if CRYPT_ALPHABET.index(match["rounds"]) not in range(7, 19):
        raise PasswordHashError(_COST)
    if not leaves_no_bits(match["digest"], CRYPT_ALPHABET, bits=128, high_first=False):
        raise NotCanonicalError
    return "phpass"


def _sha_crypt(match: re.Match[str], bits: int) -> str:
    if match["rounds"] is not None:
        _number(match["rounds"], range(1000, 1_000_001))
    if not leaves_no_bits(match["digest"], CRYPT_ALPHABET, bits=bits, high_first=False):
        raise NotCanonicalError
    return f"sha{bits}-crypt"


def _sha256_crypt(match: re.Match[str]) -> str:
    return _sha_crypt(match, 256)


def _sha512_crypt(match: re.Match[str]) -> str:
    return _sha_crypt(match, 512)


def _form(pattern: str) -> re.Pattern[str]:
    # Every repetition is possessive or has a bound, so a text is refused after one pass over it.
    return re.compile(pattern, re.ASCII)


FORMS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = (
    (
        _form(
            r"\$(?P<scheme>argon2(?:id|i|d))(?:\$v=(?:16|19))?+\$m=(?P<m>\d++),t=(?P<t>\d++),p=(?P<p>\d++)"
            r"\$(?P<salt>[A-Za-z0-9+/]++)\$(?P<digest>[A-Za-z0-9+/]++)"
        ),
        _argon2,
    ),
    (
        _form(r"\$2[aby]\$(?P<cost>\d{2})\$(?P<salt>[./A-Za-z0-9]{22})(?P<digest>[./A-Za-z0-9]{31})"),
        _bcrypt,
    ),
    (
        _form(
            r"\$pbkdf2-(?P<hash>sha1|sha256|sha512)\$i=(?P<rounds>\d++)(?:,l=(?P<length>\d{1,3}+))?+"
            r"\$(?P<salt>[A-Za-z0-9+/]++)\$(?P<digest>[A-Za-z0-9+/]++)"
        ),
        _pbkdf2_of_phc,
    ),
    (
        _form(
            r"\$pbkdf2(?:-(?P<hash>sha256|sha512))?+\$(?P<rounds>\d++)"
            r"\$(?P<salt>[A-Za-z0-9./]++)\$(?P<digest>[A-Za-z0-9./]++)"
        ),
        _pbkdf2_of_passlib,
    ),
    (
        _form(
            r"pbkdf2_(?P<hash>sha1|sha256)\$(?P<rounds>\d++)\$(?P<salt>[!-#%-~]{1,128}+)"
            r"\$(?P<digest>[A-Za-z0-9+/=]++)"
        ),
        _pbkdf2_of_django,
    ),
    (
        _form(
            r"\$scrypt\$ln=(?P<ln>\d{1,2}+),r=(?P<r>\d++),p=(?P<p>\d++)"
            r"\$(?P<salt>[A-Za-z0-9+/]++)\$(?P<digest>[A-Za-z0-9+/]++)"
        ),
        _scrypt_of_phc,
    ),
    (
        _form(
            r"scrypt\$(?P<n>\d++)\$(?P<salt>[!-#%-~]{1,128}+)\$(?P<r>\d++)\$(?P<p>\d++)\$(?P<digest>[A-Za-z0-9+/=]++)"
        ),
        _scrypt_of_django,
    ),
    (_form(r"\$[PH]\$(?P<rounds>[./0-9A-Za-z])(?P<salt>[./0-9A-Za-z]{8})(?P<digest>[./0-9A-Za-z]{22})"), _phpass),
    (
        _form(r"\$5\$(?:rounds=(?P<rounds>\d++)\$)?+(?P<salt>[./0-9A-Za-z]{0,16}+)\$(?P<digest>[./0-9A-Za-z]{43})"),
        _sha256_crypt,
    ),
    (
        _form(r"\$6\$(?:rounds=(?P<rounds>\d++)\$)?+(?P<salt>[./0-9A-Za-z]{0,16}+)\$(?P<digest>[./0-9A-Za-z]{86})"),
        _sha512_crypt,
    ),
)
"""The form of each accepted scheme, and what is checked beyond the form."""

_KNOWN_BEGINNINGS: Final = (
    "$argon2",
    "$2a$",
    "$2b$",
    "$2y$",
    "$pbkdf2",
    "pbkdf2_",
    "$scrypt$",
    "scrypt$",
    "$P$",
    "$H$",
    "$5$",
    "$6$",
)
"""How hashes of accepted schemes begin."""

_HEXADECIMAL: Final = "(?:" + "|".join(f"[0-9a-fA-F]{{{digits}}}" for digits in (128, 96, 64, 56, 40, 32)) + ")"
"""A digest of MD5, SHA-1 or SHA-2 in hexadecimal."""

_LDAP: Final = "MD4|MD5|SMD5|SHA|SSHA|SHA256|SSHA256|SHA384|SSHA384|SHA512|SSHA512|NT|NTLM"
"""Names of fast schemes in LDAP's form."""

FAST_FORMS: Final = (
    # With a salt before or after it, MySQL's with its star.
    _form(rf"\*?+(?:0x)?+{_HEXADECIMAL}(?:[:$].{{0,255}}+)?+"),
    _form(rf"[^:$]{{1,255}}+[:$]{_HEXADECIMAL}"),
    # md5-crypt, Apache's, Windows', Sun's.
    _form(r"\$(?:1|apr1|NT|3|md5|sha1)[$,].{0,500}+"),
    _form(rf"\{{(?i:{_LDAP})(?:\.[a-z0-9]{{1,9}}+)?+\}}.{{0,500}}+"),
    # Django's and Werkzeug's.
    _form(r"(?:unsalted_)?+(?:md5|sha1|sha224|sha256|sha384|sha512)\$.{0,500}+"),
)
"""Forms of hashes without a cost."""
