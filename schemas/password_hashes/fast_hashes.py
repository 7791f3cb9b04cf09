"""Hashes that are computed so fast that guessing finds most passwords: recognised so that the refusal can say why.

Some spellings tell how the hash was computed. A service that is set to do so wraps these (see `wrapped`).

- Hexadecimal digits alone: MD5, SHA-1 or SHA-2 by their number, without a salt.
- LDAP's (RFC 2307, and OpenLDAP's `pw-sha2`): `{MD5}`, `{SHA}`, `{SHA256}`, `{SHA384}`, `{SHA512}` with base64 of the
  digest, and `{SMD5}`, `{SSHA}`, … with the salt behind the digest. The salt stood behind the password too.
- Django's (`django/contrib/auth/hashers.py`): `md5$salt$hex` and `sha1$salt$hex`, whose salt stood before the password.
  Without a salt: `md5$$hex` and `sha1$$hex`, and the names `unsalted_md5` and `unsalted_sha1`.
- This service's own, for all others: see `digests`.

`hash:salt` tells nothing: some systems put the salt before the password and others behind it.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from schemas.password_hashes.digests import DIGEST_BYTES, Digest, Step, read_digest, require_salts
from schemas.password_hashes.encodings import NotCanonicalError, size_of_padded_base64
from schemas.password_hashes.refusals import MAXIMUM_CHARACTERS

_HEXADECIMAL: Final = "(?:" + "|".join(f"[0-9a-fA-F]{{{digits}}}" for digits in (128, 96, 64, 56, 40, 32, 16)) + ")"
"""A digest of MySQL before 4.1, MD4, MD5, SHA-1 or SHA-2."""

_PLAIN: Final = re.compile(rf"(?:\*|0x|md5)?+{_HEXADECIMAL}(?:[:$].{{0,255}}+)?+")
"""A digest, perhaps with a salt behind it. MySQL's has a star before it, PostgreSQL's `md5`."""

_SALTED: Final = re.compile(rf"\$?+(?:[^:$]{{1,255}}+[:$]){{1,2}}+{_HEXADECIMAL}")
"""A digest behind a salt, a name, or both."""

_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{27}=|[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==")
"""A digest of 16, 20, 32 or 64 bytes."""

_CRYPT: Final = re.compile(r"\$(?:1|apr1|NT|3)\$.{0,511}+")
"""md5-crypt, Apache's spelling of it, and Windows' NT hash."""

_LDAP: Final = re.compile(
    r"\{(?i:MD4|MD5|SMD5|SHA|SSHA|SHA256|SSHA256|SHA384|SSHA384|SHA512|SSHA512|NT|NTLM|LANMAN)(?:\.[a-z0-9]{1,9}+)?+\}"
    r".{0,511}+"
)
"""LDAP's form. Dovecot adds an encoding."""

_NAMED: Final = re.compile(r"(?:unsalted_)?+(?:md5|sha1|sha224|sha256|sha384|sha512)\$.{0,511}+")
"""Django's and Werkzeug's form."""

_SQL_SERVER: Final = re.compile(r"0x0[12]00[0-9a-fA-F]{48,136}+")
"""A digest of SQL Server, with its version and its salt before it."""

_FORMS: Final = (_PLAIN, _SALTED, _BASE64, _CRYPT, _LDAP, _NAMED, _SQL_SERVER)
"""Every form that counts as fast."""


def is_fast_hash(text: str) -> bool:
    """Whether this looks like a hash without a cost. A short text without spaces may do so by chance."""
    return any(form.fullmatch(text) for form in _FORMS)


_BY_DIGITS: Final = {2 * size: name for name, size in DIGEST_BYTES.items()}
"""How many hexadecimal digits a digest has → the hash."""

_BARE: Final = re.compile(r"[0-9a-f]++|[0-9A-F]++")
"""A digest alone."""

_OF_LDAP: Final = re.compile(
    r"\{(?P<salted>S(?=MD5|SHA)|)(?P<name>MD5|SHA|SHA256|SHA384|SHA512)\}(?P<digits>[A-Za-z0-9+/]++={0,2}+)",
    re.ASCII | re.IGNORECASE,
)
"""A digest of LDAP. The names count in any case."""

_OF_DJANGO: Final = re.compile(
    r"(?:(?P<name>md5|sha1)\$(?P<salt>[ -#%-~]*+)|unsalted_(?P<unsalted>md5|sha1)\$)\$(?P<hexadecimal>[0-9a-f]++)"
)
"""A digest of Django."""


def read_fast_hash(text: str) -> Digest | None:
    """The digest in a string, if the string tells how to compute it. None for every other string."""
    if len(text) > MAXIMUM_CHARACTERS:
        return None
    try:
        if text.startswith("$"):
            return read_digest(text)
        return _of_ldap(text) if text.startswith("{") else _bare(text) or _of_django(text)
    except NotCanonicalError:
        return None


def _bare(text: str) -> Digest | None:
    name = _BY_DIGITS.get(len(text))
    if name is None or not _BARE.fullmatch(text):
        return None
    return Digest((Step(name),), text.lower())


def _of_ldap(text: str) -> Digest | None:
    match = _OF_LDAP.fullmatch(text)
    if match is None:
        return None
    name = match["name"].lower()
    name = "sha1" if name == "sha" else name
    size_of_padded_base64(match["digits"])
    raw = base64.b64decode(match["digits"])
    digest, salt = raw[: DIGEST_BYTES[name]], raw[DIGEST_BYTES[name] :]
    if len(digest) != DIGEST_BYTES[name] or bool(salt) != bool(match["salted"]):
        return None
    return _checked(Step(name, after=salt), digest.hex())


def _of_django(text: str) -> Digest | None:
    match = _OF_DJANGO.fullmatch(text)
    if match is None:
        return None
    step = Step(match["name"] or match["unsalted"], before=(match["salt"] or "").encode())
    return _checked(step, match["hexadecimal"]) if _BY_DIGITS.get(len(match["hexadecimal"])) == step.algorithm else None


def _checked(step: Step, hexadecimal: str) -> Digest:
    require_salts((step,))
    return Digest((step,), hexadecimal)
