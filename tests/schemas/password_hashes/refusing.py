"""Hashes of each scheme that is taken, and why others are refused."""

from __future__ import annotations

from typing import Final

import pytest

from schemas.password_hashes.parsing import PLAIN_RULES, HashRules, parse_password_hash
from schemas.password_hashes.refusals import PasswordHashError
from tests.schemas.password_hashes.examples import EXAMPLES, argon2_hash

ARGON2: Final = argon2_hash("argon2id")
BCRYPT: Final = EXAMPLES["bcrypt, $2b$"].text
PASSLIB: Final = EXAMPLES["PBKDF2, passlib, SHA-256"].text
DJANGO: Final = EXAMPLES["PBKDF2, Django, SHA-256"].text
PHPASS: Final = EXAMPLES["phpass, $P$"].text
SHA256_CRYPT: Final = EXAMPLES["sha256-crypt"].text
SHA512_CRYPT: Final = EXAMPLES["sha512-crypt"].text
WORDPRESS: Final = EXAMPLES["bcrypt, WordPress"].text
BCRYPT_SHA256: Final = EXAMPLES["bcrypt-sha256, passlib"].text
FIREBASE: Final = EXAMPLES["Firebase"].text
WRAPPED: Final = EXAMPLES["wrapped, md5"].text


def refusal(text: str, rules: HashRules = PLAIN_RULES) -> str:
    """Why the text may not be imported."""
    with pytest.raises(PasswordHashError) as caught:
        parse_password_hash(text, rules)
    return str(caught.value)
