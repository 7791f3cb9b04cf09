"""A user of a Django site can log in with the hash that the database holds."""

from __future__ import annotations

import base64
import hashlib

import pytest
from passlib.hash import pbkdf2_sha256, scrypt

from cli.importing.hashes.django import translate
from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError
from schemas.password_hashes.parsing import parse_password_hash
from tests.cli.hashes.digits import base64_of, hexadecimal

PASSWORD = "lètmein"


def _padded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _pbkdf2(salt: str) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt.encode(), 1_000)


def _scrypt(salt: str) -> bytes:
    return hashlib.scrypt(PASSWORD.encode(), salt=salt.encode(), n=1024, r=8, p=5, dklen=64)


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        (f"pbkdf2_sha256$1000$seasalt${_padded(_pbkdf2('seasalt'))}", "pbkdf2-sha256"),
        (f"scrypt$1024$seasalt$8$5${_padded(_scrypt('seasalt'))}", "scrypt"),
    ],
    ids=["pbkdf2", "scrypt"],
)
def test_what_the_service_takes_stays_as_it_is(text: str, scheme: str) -> None:
    assert translate(text) == text
    assert parse_password_hash(translate(text)) == scheme


def test_bcrypt_of_a_digest_stays_as_it_is() -> None:
    text = "bcrypt_sha256$$2b$12$" + "a" * 53
    assert translate(text) == text


def test_the_name_before_a_complete_hash_is_taken_off() -> None:
    assert (
        translate("argon2$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$YWJj") == "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$YWJj"
    )
    assert translate("bcrypt$$2b$12$abc") == "$2b$12$abc"


def test_a_salt_with_other_signs_makes_a_phc_string() -> None:
    salt = "sél-de_mer"
    made = translate(f"pbkdf2_sha256$1000${salt}${_padded(_pbkdf2(salt))}")
    assert made == f"$pbkdf2-sha256$i=1000${base64_of(salt.encode())}${base64_of(_pbkdf2(salt))}"
    assert parse_password_hash(made) == "pbkdf2-sha256"
    adapted = made.replace("i=1000", "1000").replace("+", ".")
    assert pbkdf2_sha256.verify(PASSWORD, adapted)
    made = translate(f"scrypt$1024${salt}$8$5${_padded(_scrypt(salt))}")
    assert made == f"$scrypt$ln=10,r=8,p=5${base64_of(salt.encode())}${base64_of(_scrypt(salt))}"
    assert parse_password_hash(made) == "scrypt"
    assert scrypt.identify(made)


def test_fast_hashes_are_written_as_digests() -> None:
    for name in ("md5", "sha1"):
        salted = hexadecimal(name, f"seasalt{PASSWORD}")
        assert translate(f"{name}$seasalt${salted}") == f"$digest${name},b=c2Vhc2FsdA${salted}"
        bare = hexadecimal(name, PASSWORD)
        for text in (f"{name}$${bare}", f"unsalted_{name}$${bare}"):
            assert translate(text) == f"$digest${name}${bare}"
    bare = hexadecimal("md5", PASSWORD)
    assert translate(bare) == f"$digest$md5${bare}"


@pytest.mark.parametrize("text", ["", "!", "!" + "x" * 40])
def test_an_unusable_password_is_no_password(text: str) -> None:
    with pytest.raises(NoPasswordError):
        translate(text)


@pytest.mark.parametrize(
    "text",
    ["hunter2", "crypt$$ab1234567890.", "md5$salt$abc", "sha1$salt$" + "f" * 32, "f" * 40, "bcrypt$hunter2", "argon2$"],
)
def test_others_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(ForeignHashError) as refused:
        translate(text)
    assert "hunter2" not in str(refused.value)
