"""A customer of Magento can log in with the hash that the shop exported."""

from __future__ import annotations

import argon2
import nacl.pwhash.argon2id
import pytest

from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError
from cli.importing.hashes.magento import translate
from tests.cli.hashes.digits import base64_of, hexadecimal

PASSWORD = "Róni_cost3@example.com"
SALT = "bW4dA6wcDjPT9HUNlpRQjJcQUdBbLKXM"
MIB = 1024 * 1024


def _argon2(content: str, salt: str, *, size: int = 32, passes: int = 2, memory: int = 64 * MIB) -> str:
    """As Magento does: by libsodium, of which PyNaCl has the same function."""
    return nacl.pwhash.argon2id.kdf(size, content.encode(), salt.encode()[:16], passes, memory).hex()


def _fits(phc: str, password: str) -> bool:
    return argon2.PasswordHasher().verify(phc, password)


@pytest.mark.parametrize(("version", "name"), [("0", "md5"), ("1", "sha256")])
def test_a_digest_has_its_salt_before_the_password(version: str, name: str) -> None:
    made = hexadecimal(name, SALT + PASSWORD)
    assert translate(f"{made}:{SALT}:{version}") == f"$digest${name},b={base64_of(SALT.encode())}${made}"


def test_a_digest_without_a_salt_has_none() -> None:
    made = hexadecimal("sha256", PASSWORD)
    assert translate(f"{made}::1") == f"$digest$sha256${made}"


@pytest.mark.parametrize("version", ["2", "3_32_2_67108864"])
def test_argon2_of_the_password_becomes_a_phc_string_that_verifies(version: str) -> None:
    assert _fits(translate(f"{_argon2(PASSWORD, SALT)}:{SALT}:{version}"), PASSWORD)


def test_the_costs_of_argon2_are_those_that_the_version_names() -> None:
    made = translate(f"{_argon2(PASSWORD, SALT, size=16, passes=3, memory=MIB)}:{SALT}:3_16_3_{MIB}")
    assert made.startswith("$argon2id$v=19$m=1024,t=3,p=1$")
    assert _fits(made, PASSWORD)


def test_a_short_salt_of_argon2_is_repeated() -> None:
    made = _argon2(PASSWORD, "abcdeabcdeabcdea", memory=MIB)
    assert _fits(translate(f"{made}:abcde:3_32_2_{MIB}"), PASSWORD)


@pytest.mark.parametrize(
    ("versions", "names"),
    [("0", ["md5"]), ("1", ["sha256"]), ("0:1", ["md5", "sha256"])],
    ids=["md5", "sha256", "both"],
)
def test_argon2_of_an_older_hash_is_wrapped(versions: str, names: list[str]) -> None:
    content = PASSWORD
    for name in names:
        content = hexadecimal(name, SALT + content)
    made = translate(f"{_argon2(content, SALT, memory=MIB)}:{SALT}:{versions}:3_32_2_{MIB}")
    steps = ":".join(f"{name},b={base64_of(SALT.encode())}" for name in names)
    assert made.startswith(f"$wrapped${steps}$argon2id$")
    assert _fits(made.removeprefix(f"$wrapped${steps}"), content)


def test_a_digest_of_a_digest_is_written_as_two_steps() -> None:
    salt = base64_of(SALT.encode())
    made = hexadecimal("sha256", SALT + hexadecimal("md5", SALT + PASSWORD))
    assert translate(f"{made}:{SALT}:0:1") == f"$digest$md5,b={salt}:sha256,b={salt}${made}"


@pytest.mark.parametrize("name", ["md5", "sha256", "sha512"])
def test_the_digest_of_magento_1_is_told_by_its_length(name: str) -> None:
    made = hexadecimal(name, "bW" + PASSWORD)
    assert translate(f"{made}:bW") == f"$digest${name},b=Ylc${made}"


def test_other_hashes_of_magento_1_and_openmage_are_taken() -> None:
    made = hexadecimal("md5", PASSWORD)
    assert translate(made.upper()) == f"$digest$md5${made}"
    bcrypt = "$2y$12$" + "a" * 53
    assert translate(f" {bcrypt}\n") == bcrypt


def test_no_hash_is_no_password() -> None:
    with pytest.raises(NoPasswordError):
        translate("  ")


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "f" * 64,
        f"{'f' * 64}:salt:0",
        f"{'f' * 32}:salt:1",
        f"{'f' * 48}:salt",
        f"{'f' * 64}:salt:9",
        f"{'f' * 64}:salt:3_32_2",
        f"{'f' * 64}:salt:3_16_2_67108864",
        f"{'f' * 64}:salt:2:1",
        f"{'f' * 64}:salt:2:3_32_2_67108864",
        f"{'f' * 64}::2",
        f"{'f' * 63}:salt:1",
        "0:3:aGVsbG8gd29ybGQ=",
    ],
)
def test_what_only_magento_could_verify_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ForeignHashError) as refused:
        translate(text)
    assert "f" * 8 not in str(refused.value)
    assert "hunter2" not in str(refused.value)
