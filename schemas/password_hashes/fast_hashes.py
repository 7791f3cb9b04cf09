"""Hashes that are computed so fast that guessing finds most passwords: recognised so that the refusal can say why."""

from __future__ import annotations

import re
from typing import Final

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
