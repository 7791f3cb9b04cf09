"""Parses a password hash whole: its scheme, its costs, its salt and its digest.

The accepted schemes and their bounds are those of the HTTP contract (`passwordHash` of `customer.create`). The bounds
keep anybody from importing a login that takes seconds. The forms are documented by their makers: the PHC string format
(argon2, scrypt, PBKDF2), passlib's and Django's manuals, OpenBSD's bcrypt, phpass, and Drepper's sha-crypt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.password_hashes import argon2, crypt_strings, pbkdf2, scrypt
from schemas.password_hashes.encodings import NotCanonicalError
from schemas.password_hashes.fast_hashes import is_fast_hash
from schemas.password_hashes.near_misses import is_prehashed, without_prefix
from schemas.password_hashes.refusals import (
    FAST,
    MALFORMED,
    MAXIMUM_CHARACTERS,
    PREFIXED,
    PREHASHED,
    TOO_LONG,
    UNKNOWN,
    CostError,
    PasswordHashError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.password_hashes.refusals import Form

_KEY_CHARACTERS: Final = 3
"""Of a hash: so many tell its scheme."""


def _by_key(forms: Iterable[Form]) -> dict[str, tuple[Form, ...]]:
    found: dict[str, tuple[Form, ...]] = {}
    for form in forms:
        key = form.beginning[:_KEY_CHARACTERS]
        found[key] = (*found.get(key, ()), form)
    return found


_FORMS: Final = _by_key((*argon2.FORMS, *crypt_strings.FORMS, *pbkdf2.FORMS, *scrypt.FORMS))
"""First characters → the accepted forms that begin so."""


def parse_password_hash(text: str) -> str:
    """The scheme of a hash that may be stored and that a login can verify.

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
                return form.check(match)
            except NotCanonicalError:
                raise PasswordHashError(MALFORMED) from None
            except CostError:
                raise PasswordHashError(f"has a cost outside the bounds: {form.bounds}") from None
        is_known = is_known or text.startswith(form.beginning)
    raise PasswordHashError(MALFORMED if is_known else _reason(text))


def _reason(text: str) -> str:
    """Why a string is refused that does not begin like a hash of an accepted form."""
    if is_fast_hash(text):
        return FAST
    if is_prehashed(text):
        return PREHASHED
    bare = without_prefix(text)
    return UNKNOWN if bare is None or bare[:_KEY_CHARACTERS] not in _FORMS else PREFIXED
