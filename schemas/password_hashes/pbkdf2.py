"""PBKDF2 with HMAC over SHA-1, SHA-256 and SHA-512, in three spellings.

- The PHC string format, `$pbkdf2-sha256$i=600000,l=32$salt$digest`: RustCrypto writes the length, others leave it out.
  SHA-1 is called `pbkdf2` (RustCrypto) or `pbkdf2-sha1`. passlib takes such a string for its own and then fails. A
  login verifies it with `hashlib.pbkdf2_hmac`, whose `dklen` is the length of the digest.
- passlib's, `$pbkdf2-sha256$29000$salt$digest`, in a base64 with `.` in place of `+`. SHA-1 is `$pbkdf2$`.
- Django's, `pbkdf2_sha256$1000000$salt$digest`, whose salt is letters and digits. Django has none with SHA-512.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.password_hashes.encodings import (
    ADAPTED_BASE64_ALPHABET,
    NotCanonicalError,
    size_of_base64,
    size_of_padded_base64,
)
from schemas.password_hashes.refusals import SALT_BYTES, Form, number_within, require_size

_ITERATIONS: Final = range(1_000, 2_000_001)
"""RFC 8018, section 4.2, recommends 1,000 at least. With very few, it is a fast hash."""

_SHA_BYTES: Final = {"sha1": 20, "sha256": 32, "sha512": 64}
"""Bytes of a digest. A longer one would cost a login the whole work for each further digest, and an attacker not."""

_LEAST_DIGEST_BYTES: Final = 16
"""Of a digest in the PHC string format, which may be shorter than what SHA gives."""

_BOUNDS: Final = "PBKDF2 takes 1,000 to 2,000,000 iterations"
"""The bounds, as a caller is told."""

_PHC: Final = re.compile(
    r"\$pbkdf2(?:-(?P<hash>sha1|sha256|sha512))?+\$i=(?P<rounds>\d++)(?:,l=(?P<length>\d++))?+"
    r"\$(?P<salt>[A-Za-z0-9+/]++)\$(?P<digest>[A-Za-z0-9+/]++)",
    re.ASCII,
)
"""A hash in the PHC string format."""

_PASSLIB: Final = re.compile(
    r"\$pbkdf2(?:-(?P<hash>sha256|sha512))?+\$(?P<rounds>\d++)"
    r"\$(?P<salt>[A-Za-z0-9./]++)\$(?P<digest>[A-Za-z0-9./]++)",
    re.ASCII,
)
"""A hash in passlib's spelling."""

_DJANGO: Final = re.compile(
    r"pbkdf2_(?P<hash>sha1|sha256)\$(?P<rounds>\d++)\$(?P<salt>[A-Za-z0-9]{1,128}+)\$(?P<digest>[A-Za-z0-9+/]++={0,2}+)",
    re.ASCII,
)
"""A hash in Django's spelling."""


def _check_phc(match: re.Match[str]) -> str:
    name = match["hash"] or "sha1"
    number_within(_ITERATIONS, match["rounds"])
    require_size(size_of_base64(match["salt"]), SALT_BYTES)
    size = size_of_base64(match["digest"])
    require_size(size, range(_LEAST_DIGEST_BYTES, _SHA_BYTES[name] + 1, 4))
    if match["length"] is not None and match["length"] != str(size):
        raise NotCanonicalError
    return f"pbkdf2-{name}"


def _check_passlib(match: re.Match[str]) -> str:
    name = match["hash"] or "sha1"
    number_within(_ITERATIONS, match["rounds"])
    require_size(size_of_base64(match["salt"], ADAPTED_BASE64_ALPHABET), SALT_BYTES)
    require_size(
        size_of_base64(match["digest"], ADAPTED_BASE64_ALPHABET), range(_SHA_BYTES[name], _SHA_BYTES[name] + 1)
    )
    return f"pbkdf2-{name}"


def _check_django(match: re.Match[str]) -> str:
    number_within(_ITERATIONS, match["rounds"])
    size = _SHA_BYTES[match["hash"]]
    require_size(size_of_padded_base64(match["digest"]), range(size, size + 1))
    return f"pbkdf2-{match['hash']}"


FORMS: Final = (
    Form(beginning="$pbkdf2", pattern=_PASSLIB, check=_check_passlib, bounds=_BOUNDS),
    Form(beginning="$pbkdf2", pattern=_PHC, check=_check_phc, bounds=_BOUNDS),
    Form(beginning="pbkdf2_", pattern=_DJANGO, check=_check_django, bounds=_BOUNDS),
)
"""How hashes of PBKDF2 are written."""
