"""A fast hash is stored as a slow hash of it."""

from __future__ import annotations

import hashlib
from typing import Final

import pytest
from argon2 import PasswordHasher

from passwords.cost import TEST_PROFILE, PasswordCost
from passwords.hashing import Argon2Passwords
from passwords.wrapping import wrapped
from schemas.password_hashes.digests import Step, computed
from schemas.password_hashes.fast_hashes import read_fast_hash
from schemas.password_hashes.parsing import parse_password_hash
from schemas.password_hashes.refusals import MAXIMUM_CHARACTERS
from schemas.password_hashes.wrapped import read_wrapped

MD5: Final = hashlib.new("md5", b"salt" + b"password", usedforsecurity=False).hexdigest()
LONGEST: Final = f"$digest$sha512,b={'QUJD' * 42}:sha512,a=QQ:sha512,a=QQ${'0' * 128}"
"""Three steps with 128 bytes of salts."""


def test_what_is_stored_is_argon2id_of_the_digest_at_the_set_cost_with_the_steps_before_it() -> None:
    digest = read_fast_hash(f"md5$salt${MD5}")
    assert digest is not None
    stored = wrapped(digest, Argon2Passwords(PasswordCost(memory_kib=128, time_cost=3, parallelism=2)))
    assert stored.startswith("$wrapped$md5,b=c2FsdA$argon2id$v=19$m=128,t=3,p=2$")
    assert MD5 not in stored
    parts = read_wrapped(stored)
    assert parts is not None
    assert PasswordHasher().verify(parts.argon2, computed(parts.steps, b"password"))


@pytest.mark.parametrize("text", [MD5, f"$digest$md5:sha256,a=YWI${'0' * 64}", LONGEST], ids=["one", "two", "longest"])
def test_what_is_stored_can_be_imported_elsewhere(text: str) -> None:
    digest = read_fast_hash(text)
    assert digest is not None
    stored = wrapped(digest, Argon2Passwords(TEST_PROFILE))
    assert parse_password_hash(stored).startswith("argon2id+")
    assert len(stored) < MAXIMUM_CHARACTERS


def test_two_customers_with_one_digest_have_two_hashes() -> None:
    digest = read_fast_hash(MD5)
    assert digest is not None
    assert digest.steps == (Step("md5"),)
    assert wrapped(digest, Argon2Passwords(TEST_PROFILE)) != wrapped(digest, Argon2Passwords(TEST_PROFILE))
