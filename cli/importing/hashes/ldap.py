"""LDAP's `userPassword` (RFC 2307, section 5.3): the name of a scheme in braces, and base64 behind it.

The digest stands first in the base64. A salt follows it, and was behind the password too. The names are OpenLDAP's.
"""

from __future__ import annotations

import re
from typing import Final

from cli.importing.hashes.foreign_hash import ForeignHashError
from cli.importing.hashes.spelling import Step, bytes_of_base64, digest

_LDAP: Final = re.compile(r"\{(?P<salted>S?)(?P<hash>MD5|SHA(?:1|224|256|384|512)?)\}(?P<value>\S*)", re.IGNORECASE)
"""`{SHA}` is SHA-1."""

_DIGEST_BYTES: Final = {"md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
"""Digest's name → its bytes."""


def translate(text: str) -> str:
    """The hash as the service takes it.

    Raises:
        ForeignHashError: it is of no scheme that is one digest of the password.
    """
    match = _LDAP.fullmatch(text.strip())
    if match is None:
        raise ForeignHashError("is of no scheme of LDAP that is a digest: {MD5}, {SMD5}, {SHA}, {SSHA}, …")
    name = match["hash"].lower()
    name = "sha1" if name == "sha" else name
    content = bytes_of_base64(match["value"], "digest")
    size = _DIGEST_BYTES[name]
    if len(content) < size or (len(content) > size) != bool(match["salted"]):
        raise ForeignHashError("is of another length than its scheme makes")
    return digest((Step(hash_name=name, after=content[size:]),), content[:size])
