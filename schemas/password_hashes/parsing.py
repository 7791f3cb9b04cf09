"""Parses a password hash whole: its scheme, its costs, its salt and its digest.

The accepted schemes and their bounds are those of the HTTP contract (`passwordHash` of `customer.create`). The bounds
keep anybody from importing a login that takes seconds. The forms are documented by their makers: the PHC string format
(argon2, scrypt, PBKDF2), passlib's and Django's manuals, OpenBSD's bcrypt, phpass, and Drepper's sha-crypt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas.password_hashes import (
    argon2,
    crypt_strings,
    digests,
    firebase_scrypt,
    pbkdf2,
    prehashed,
    scrypt,
    wrapped,
)
from schemas.password_hashes.encodings import NotCanonicalError
from schemas.password_hashes.fast_hashes import is_fast_hash, read_fast_hash
from schemas.password_hashes.refusals import (
    FAST,
    MALFORMED,
    MAXIMUM_CHARACTERS,
    PREFIXED,
    TOO_LONG,
    UNKNOWN,
    UNWRAPPABLE,
    CostError,
    PasswordHashError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.password_hashes.refusals import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class HashRules:
    """What a service takes because of its settings."""

    wraps_fast_hashes: bool = False
    """Whether a digest that tells how it was made is taken, and stored wrapped."""
    signer_key_bytes: int | None = None
    """The length of the signer key of the Firebase project whose hashes are taken. None: no such hash is."""


PLAIN_RULES: Final = HashRules()
"""What every service takes."""

_KEY_CHARACTERS: Final = 3
"""Of a hash: so many tell its scheme."""


_PREFIX: Final = re.compile(r"\{[A-Za-z0-9@_.\-]{1,40}+\}|argon2(?=\$)|bcrypt\$(?=\$)")
"""What stands before the hash in LDAP, Dovecot and Spring (`{CRYPT}`, `{bcrypt}`), and in Django (`argon2`)."""


def _by_key(forms: Iterable[Form]) -> dict[str, tuple[Form, ...]]:
    found: dict[str, tuple[Form, ...]] = {}
    for form in forms:
        key = form.beginning[:_KEY_CHARACTERS]
        found[key] = (*found.get(key, ()), form)
    return found


_FORMS: Final = _by_key(
    form
    for module in (argon2, crypt_strings, prehashed, pbkdf2, scrypt, firebase_scrypt, wrapped, digests)
    for form in module.FORMS
)
"""First characters → the accepted forms that begin so."""


def parse_password_hash(text: str, rules: HashRules = PLAIN_RULES) -> str:
    """The scheme of a hash that may be stored as it is and that a login can verify.

    Args:
        text: the hash. A fast one is refused, whatever the rules: it is not stored as it is (see `read_fast_hash`).
        rules: what the service takes.

    Returns:
        How it was made: `argon2id`, `bcrypt`, `pbkdf2-sha256`, …. Two spellings of one scheme have one name.

    Raises:
        PasswordHashError: it is of no accepted scheme, not written as its scheme demands, or of a cost outside the
            bounds.
    """
    if len(text) > MAXIMUM_CHARACTERS:
        raise PasswordHashError(TOO_LONG)
    is_known = False
    for form in _FORMS.get(text[:_KEY_CHARACTERS], ()):
        match = form.pattern.fullmatch(text)
        if match is not None:
            try:
                scheme = form.check(match)
                if scheme == firebase_scrypt.SCHEME:
                    firebase_scrypt.require_signer_key(text, rules.signer_key_bytes)
            except NotCanonicalError:
                raise PasswordHashError(MALFORMED) from None
            except CostError:
                raise PasswordHashError(f"has a cost outside the bounds: {form.bounds}") from None
            return scheme
        is_known = is_known or text.startswith(form.beginning)
    raise PasswordHashError(MALFORMED if is_known else _reason(text))


def _reason(text: str) -> str:
    """Why a string is refused that does not begin like a hash of an accepted form."""
    if is_fast_hash(text):
        return UNWRAPPABLE if read_fast_hash(text) is None else FAST
    prefix = _PREFIX.match(text)
    return PREFIXED if prefix is not None and text[prefix.end() :][:_KEY_CHARACTERS] in _FORMS else UNKNOWN
