"""How a password is stored."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from pydantic import SecretStr

from passwords.cost import TEST_PROFILE, PasswordCost
from passwords.hashing import Argon2Passwords

DEFAULT = PasswordCost(memory_kib=19456, time_cost=2, parallelism=1)


@pytest.fixture(scope="module")
def passwords() -> Argon2Passwords:
    return Argon2Passwords(TEST_PROFILE)


def test_a_password_is_stored_as_an_argon2id_hash_with_owasps_parameters() -> None:
    stored = Argon2Passwords(DEFAULT).hash(SecretStr("correct horse"))
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PasswordHasher().verify(stored, "correct horse")


def test_the_cost_is_the_one_that_was_set() -> None:
    cost = PasswordCost(memory_kib=128, time_cost=3, parallelism=2)
    assert Argon2Passwords(cost).hash(SecretStr("x")).startswith("$argon2id$v=19$m=128,t=3,p=2$")


@pytest.mark.parametrize(
    "password",
    [
        "x",
        " leading and trailing ",
        "tab\tand\nline",
        "pässwörd",
        "Jose\u0301",
        "Jos\u00e9",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 family",
        "\u200b.",
        "x" * 1024,
        "😀" * 1024,
    ],
    ids=ascii,
)
def test_a_password_is_hashed_exactly_as_it_was_sent(passwords: Argon2Passwords, password: str) -> None:
    assert PasswordHasher().verify(passwords.hash(SecretStr(password)), password.encode())


@pytest.mark.parametrize(
    ("password", "similar"),
    [("a ", "a"), ("Jose\u0301", "Jos\u00e9"), ("A", "a"), ("x" * 1024, "x" * 1023), ("x" * 73, "x" * 72)],
    ids=ascii,
)
def test_a_similar_password_does_not_match(passwords: Argon2Passwords, password: str, similar: str) -> None:
    stored = passwords.hash(SecretStr(password))
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(stored, similar)


def test_two_hashes_of_one_password_differ(passwords: Argon2Passwords) -> None:
    assert passwords.hash(SecretStr("x")) != passwords.hash(SecretStr("x"))


def test_many_threads_hash_at_once_and_each_gets_the_hash_of_its_password(passwords: Argon2Passwords) -> None:
    together = threading.Barrier(8)

    def hash_one(number: int) -> str:
        together.wait(timeout=10)
        return passwords.hash(SecretStr(f"password {number}"))

    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(hash_one, range(8)))
    assert all(PasswordHasher().verify(one, f"password {number}") for number, one in enumerate(stored))
