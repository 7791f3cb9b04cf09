"""What a login may rely on, whatever is stored."""

from __future__ import annotations

import base64
import hashlib
import hmac

import bcrypt
import pytest
from passlib import hash as passlib_hash
from pydantic import SecretStr

import passwords
from passwords import TODAY, FirebaseKey, PasswordCost, Verification, verify
from passwords.cost import TEST_PROFILE
from passwords.hashing import Argon2Passwords
from passwords.wrapping import wrapped
from schemas.password_hashes.fast_hashes import read_fast_hash
from schemas.password_hashes.parsing import parse_password_hash
from tests.passwords.vectors import VECTORS

OTHER_COST = PasswordCost(memory_kib=128, time_cost=1, parallelism=1)
SALT = b"$2b$04$abcdefghijklmnopqrstuu"
WRONG = Verification(ok=False, replacement=None)


def by_worker(password: str, cost: PasswordCost = TEST_PROFILE) -> str:
    """What the worker stores of a password in plain text."""
    return Argon2Passwords(cost).hash(SecretStr(password))


def by_wordpress(password: bytes) -> str:
    """What WordPress 6.8 stores, by the algorithm of `wp_hash_password` after `trim`."""
    key = base64.b64encode(hmac.new(b"wp-sha384", password, hashlib.sha384).digest())
    return "$wp" + bcrypt.hashpw(key, SALT.replace(b"2b", b"2y")).decode()


def test_what_the_worker_stores_today_needs_no_replacement() -> None:
    assert verify("Ä secret", by_worker("Ä secret"), cost=TEST_PROFILE) == (True, None)
    assert verify("another", by_worker("Ä secret"), cost=TEST_PROFILE) == WRONG


def test_the_cost_is_the_workers_unless_another_is_given() -> None:
    assert verify("secret", by_worker("secret", TODAY)) == (True, None)


@pytest.mark.parametrize(
    "stored",
    [
        by_worker("secret", OTHER_COST),
        passlib_hash.argon2.using(type="I", memory_cost=64, rounds=1, parallelism=1).hash("secret"),
        passlib_hash.argon2.using(type="ID", memory_cost=64, rounds=1, parallelism=1, salt_size=8).hash("secret"),
        passlib_hash.argon2.using(type="ID", memory_cost=64, rounds=1, parallelism=1, digest_size=16).hash("secret"),
    ],
    ids=["another cost", "another type", "a short salt", "a short digest"],
)
def test_an_argon2_hash_that_the_worker_would_not_write_today_gets_a_replacement(stored: str) -> None:
    ok, replacement = verify("secret", stored, cost=TEST_PROFILE)
    assert ok
    assert replacement is not None
    assert verify("secret", replacement, cost=TEST_PROFILE) == (True, None)


@pytest.mark.parametrize("is_wrapped", [False, True], ids=["argon2id", "wrapped"])
def test_what_the_worker_stores_is_verified_whatever_it_costs(*, is_wrapped: bool) -> None:
    """The bounds are for what others bring. Seventeen passes are beyond them."""
    dear = PasswordCost(memory_kib=8, time_cost=17, parallelism=1)
    digest = read_fast_hash(hashlib.sha256(b"secret").hexdigest())
    assert digest is not None
    stored = wrapped(digest, Argon2Passwords(dear)) if is_wrapped else by_worker("secret", dear)
    ok, replacement = verify("secret", stored, cost=dear)
    assert (ok, replacement is None) == (True, not is_wrapped)
    assert verify("another", stored, cost=dear) == WRONG
    assert verify("secret", stored, cost=TEST_PROFILE) == WRONG


@pytest.mark.parametrize("name", [name for name, vector in VECTORS.items() if read_fast_hash(vector.stored)])
def test_a_digest_that_the_worker_wrapped_is_verified(name: str) -> None:
    password, stored = VECTORS[name]
    digest = read_fast_hash(stored)
    assert digest is not None
    ok, replacement = verify(password, wrapped(digest, Argon2Passwords(TEST_PROFILE)), cost=TEST_PROFILE)
    assert ok
    assert verify(password, replacement, cost=TEST_PROFILE) == (True, None)
    assert verify(password + "x", wrapped(digest, Argon2Passwords(TEST_PROFILE)), cost=TEST_PROFILE) == WRONG


def test_a_chain_of_magento_is_verified() -> None:
    """`hash:salt:0:1`, which its command `customer:hash:upgrade` makes of `hash:salt:0` (`Encryptor.php`)."""
    first = hashlib.md5(b"saltpassword", usedforsecurity=False).hexdigest()
    second = hashlib.sha256(f"salt{first}".encode()).hexdigest()
    digest = read_fast_hash(f"$digest$md5,b=c2FsdA:sha256,b=c2FsdA${second}")
    assert digest is not None
    stored = wrapped(digest, Argon2Passwords(TEST_PROFILE))
    assert parse_password_hash(stored) == "argon2id+sha256+md5"
    assert verify("password", stored, cost=TEST_PROFILE).ok
    assert verify("passwords", stored, cost=TEST_PROFILE) == WRONG


def test_nobody_logs_in_as_a_customer_who_is_not_there() -> None:
    assert verify("secret", None, cost=TEST_PROFILE) == WRONG


def test_a_customer_who_is_not_there_costs_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the time of the answer does not tell who is a customer."""
    hashed: list[str] = []

    def count(self: Argon2Passwords, password: SecretStr) -> str:  # noqa: ARG001
        hashed.append(password.get_secret_value())
        return ""

    monkeypatch.setattr(Argon2Passwords, "hash", count)
    verify("secret", None, cost=TEST_PROFILE)
    assert hashed == ["secret"]


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "secret",
        "\ud800",
        "$",
        "$2b$15$abcdefghijklmnopqrstuuSZI0S0C0C0C0C0C0C0C0C0C0C0C0C0C0",
        "$argon2id$v=19$m=4194304,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$uBx1ByRRVPXkFjBYxbHTrA",
        "x" * 1_000_000,
    ],
    ids=["nothing", "plain text", "surrogate", "a sign", "bcrypt 15", "argon2, 4 GiB", "a million characters"],
)
def test_what_the_service_would_not_store_is_never_right(stored: str) -> None:
    assert verify("secret", stored, cost=TEST_PROFILE) == WRONG


@pytest.mark.parametrize(
    "password",
    ["", "sec\0ret", "secret\0", "\ud800", "secret\udfff", "x" * 4097, "ß" * 2049, "x" * 1_000_000],
    ids=["empty", "NUL", "NUL at the end", "surrogate", "surrogate at the end", "4097", "4098 bytes", "a million"],
)
@pytest.mark.parametrize("product", [None, "Laravel", "phpass", "sha256-crypt"])
def test_a_password_that_no_customer_can_have_is_never_right(password: str, product: str | None) -> None:
    stored = None if product is None else VECTORS[product].stored
    assert verify(password, stored, cost=TEST_PROFILE) == WRONG


def test_the_empty_password_is_wrong_even_where_its_hash_is_stored() -> None:
    """Exports hold such hashes. They are of accounts that nobody ever gave a password."""
    assert verify("", hashlib.md5(b"", usedforsecurity=False).hexdigest(), cost=TEST_PROFILE) == WRONG
    assert verify("", by_worker(""), cost=TEST_PROFILE) == WRONG


def test_the_longest_password_of_the_contract_is_right() -> None:
    password = "\U0001f511" * 1024
    assert verify(password, by_worker(password), cost=TEST_PROFILE) == (True, None)


def test_bcrypt_reads_72_bytes_as_the_products_do() -> None:
    stored = bcrypt.hashpw(b"x" * 72, SALT).decode()
    assert verify("x" * 100, stored, cost=TEST_PROFILE).ok
    assert verify("x" * 71, stored, cost=TEST_PROFILE) == WRONG


def test_a_replacement_of_a_long_password_is_of_the_whole_password() -> None:
    ok, replacement = verify("x" * 100, bcrypt.hashpw(b"x" * 72, SALT).decode(), cost=TEST_PROFILE)
    assert ok
    assert verify("x" * 72, replacement, cost=TEST_PROFILE) == WRONG


@pytest.mark.parametrize(
    "stored",
    [by_wordpress(b"a word"), passlib_hash.phpass.using(rounds=7).hash("a word")],
    ids=["from 6.8 on", "before 6.8"],
)
def test_white_space_around_a_password_is_nothing_to_wordpress(stored: str) -> None:
    assert verify("  a word\t\n", stored, cost=TEST_PROFILE).ok
    assert verify("aword", stored, cost=TEST_PROFILE) == WRONG


@pytest.mark.parametrize("typed", ["it's", 'say "it"', "back\\slash"], ids=["a quote", "two quotes", "a backslash"])
def test_wordpress_forms_hash_quotes_with_backslashes_before_them(typed: str) -> None:
    slashed = typed.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')
    for spelling in (typed, slashed):
        assert verify(typed, by_wordpress(spelling.encode()), cost=TEST_PROFILE).ok
        assert verify(typed, passlib_hash.phpass.using(rounds=7).hash(spelling), cost=TEST_PROFILE).ok


def test_other_products_hash_quotes_and_white_space_as_they_are() -> None:
    assert verify("it's ", passlib_hash.phpass.using(rounds=7, ident="H").hash("it's "), cost=TEST_PROFILE).ok
    for other in ("it's", "it\\'s", "it\\'s "):
        stored = passlib_hash.phpass.using(rounds=7, ident="H").hash(other)
        assert verify("it's ", stored, cost=TEST_PROFILE) == WRONG
        assert verify("it's ", bcrypt.hashpw(other.encode(), SALT).decode(), cost=TEST_PROFILE) == WRONG


@pytest.mark.parametrize(
    ("stored", "longest"),
    [
        ("$6$rounds=1000000$aaaaaaaaaaaaaaaa$" + "a" * 85 + "1", 127),
        ("$5$rounds=1000000$aaaaaaaaaaaaaaaa$" + "a" * 42 + "1", 127),
        ("$P$Gaaaaaaaa" + "a" * 21 + "1", 447),
    ],
    ids=["sha512-crypt", "sha256-crypt", "phpass"],
)
def test_a_long_password_at_the_bounds_is_not_hashed(
    stored: str, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """These schemes hash the whole password in every round, so the work grows with it as well."""
    parse_password_hash(stored)
    monkeypatch.setattr("passwords.verifying.sha_crypt.hashlib", None)
    monkeypatch.setattr("passwords.verifying.phpass.hashlib", None)
    assert verify("x" * (longest + 1), stored, cost=TEST_PROFILE) == WRONG
    with pytest.raises(AttributeError):
        verify("x" * longest, stored, cost=TEST_PROFILE)


def test_the_signer_key_is_in_no_repr() -> None:
    assert "signer" not in repr(FirebaseKey(b"signer"))


def test_the_package_says_what_a_login_imports() -> None:
    assert {name for name in passwords.__all__ if not hasattr(passwords, name)} == set()
    assert "verify" in passwords.__all__
