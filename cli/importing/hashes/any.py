"""The hashes of a plain file, in whatever spelling: those are translated that can be told from all others.

Laravel's, PHP's and Ruby on Rails' are bcrypt or argon2 as the service takes them. `hash:salt` is left as it is,
because nobody can tell on which side of the password the salt was: the preset for Magento knows it.
"""

from __future__ import annotations

import json
import re
from typing import Final

from cli.importing.hashes import aspnet, auth0, django, keycloak
from cli.importing.hashes.foreign_hash import ForeignHashError

_NAMED: Final = re.compile(r"\{(?i:bcrypt|argon2(?:@[A-Za-z0-9_]++)?+|crypt)\}(?=\$)")
"""The name of a scheme in braces before a complete hash: Spring Security's (`{bcrypt}`), LDAP's and Dovecot's."""

_DJANGO: Final = ("argon2$argon2", "bcrypt$$2", "pbkdf2_sha256$", "pbkdf2_sha1$", "scrypt$")
"""How hashes begin that only Django writes so. `md5$salt$…` is Werkzeug's too, which does something else."""


def translate(text: str) -> str:
    """The hash as the service takes it, or the text itself where its spelling is no other product's.

    Raises:
        ForeignHashError: it is another product's, but something of it is missing or cannot be repeated.
    """
    text = text.strip()
    if text.startswith('{"'):
        return _document(text)
    named = _NAMED.match(text)
    if named is not None:
        return text[named.end() :]
    if text.startswith(_DJANGO):
        return django.translate(text)
    # The first byte is 0 or 1, which makes an A.
    return aspnet.translate(text) if text.startswith("A") and aspnet.is_likely(text) else text


def _document(text: str) -> str:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ForeignHashError("looks like a JSON document, but is none") from None
    if keycloak.is_hashed(found):
        return keycloak.translate(found)
    if "algorithm" in found:
        return auth0.translate(found)
    raise ForeignHashError("is a JSON document of no product that is known")
