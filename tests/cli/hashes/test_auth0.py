"""A user whose hash was meant for Auth0's bulk import can log in with it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import bcrypt
import pytest

from cli.importing.hashes.auth0 import translate
from cli.importing.hashes.foreign_hash import ForeignHashError
from passwords import verify
from schemas.password_hashes.parsing import parse_password_hash
from tests.cli.hashes.digits import base64_of, hexadecimal

PASSWORD = "password"
SALTED = hashlib.sha1(b"secretsalt", usedforsecurity=False).digest() + b"salt"


def _document(algorithm: str, value: str, **more: Any) -> dict[str, Any]:
    encoding = more.pop("encoding", None)
    return {"algorithm": algorithm, "hash": {"value": value} | ({"encoding": encoding} if encoding else {})} | more


def test_the_documented_bcrypt_stays_as_it_is() -> None:
    value = "$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"
    made = translate(_document("bcrypt", value))
    assert bcrypt.checkpw(b"hello", made.encode())


def test_the_documented_argon2_stays_as_it_is() -> None:
    value = "$argon2id$v=19$m=65536,t=2,p=1$J6Q/82PCyaNpYKRELJyTZg$m04qUAB8rexWDR4+/0f+SFB+4XMFxt7YAvAq2UycYos"
    assert parse_password_hash(translate(_document("argon2", value, encoding="utf8"))) == "argon2id"


def test_the_documented_scrypt_becomes_a_phc_string() -> None:
    value = "097f6197e1b41538f723e32aa7a68e8d76227d8e432ce5faa4882a913032db29"
    salt = {"value": "abc123", "encoding": "utf8"}
    made = translate(_document("scrypt", value, encoding="hex", salt=salt, keylen=32, cost=4096))
    again = hashlib.scrypt(PASSWORD.encode(), salt=b"abc123", n=4096, r=8, p=1, dklen=32)
    assert made == f"$scrypt$ln=12,r=8,p=1${base64_of(b'abc123')}${base64_of(again)}"
    assert parse_password_hash(made) == "scrypt"


def test_scrypt_without_costs_has_auth0s() -> None:
    made = translate(_document("scrypt", "ab" * 32, salt={"value": "abc123"}, keylen=32))
    assert made.startswith("$scrypt$ln=14,r=8,p=1$")


def test_the_documented_salt_before_the_password_is_written_as_such() -> None:
    """Auth0's documentation: MD5('salt' + 'password') = '67A1E09B…' has the position `prefix`."""
    value = "67A1E09BB1F83F5007DC119C14D663AA"
    assert value.lower() == hexadecimal("md5", "saltpassword")
    for salt in ({"value": "salt", "position": "prefix"}, {"value": "c2FsdA==", "encoding": "base64"}):
        assert translate(_document("md5", value, encoding="hex", salt=salt)) == f"$digest$md5,b=c2FsdA${value.lower()}"


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("where", ["beside", "within"])
def test_a_salt_behind_the_password_is_written_as_such(name: str, where: str) -> None:
    made = hexadecimal(name, f"{PASSWORD}salt")
    salt = {"value": "73616C74", "encoding": "hex", "position": "suffix"}
    document = _document(name, base64.b64encode(bytes.fromhex(made)).decode(), encoding="base64")
    (document if where == "beside" else document["hash"])["salt"] = salt
    assert translate(document) == f"$digest${name},a=c2FsdA${made}"


def test_a_digest_may_have_no_salt() -> None:
    made = hexadecimal("sha1", PASSWORD)
    assert translate(_document("sha1", made, encoding="hex", password={"encoding": "utf8"})) == f"$digest$sha1${made}"


@pytest.mark.parametrize(
    ("written", "name"),
    [("sha512", "sha512"), ("RSA-SHA256", "sha256"), ("sha256WithRSAEncryption", "sha256"), ("RSA-SHA1-2", "sha1")],
)
def test_pbkdf2_goes_by_openssls_names_and_is_cut_to_what_its_hash_gives(written: str, name: str) -> None:
    content = hashlib.pbkdf2_hmac(name, PASSWORD.encode(), b"saltsalt", 1_000, 64)
    alone = hashlib.pbkdf2_hmac(name, PASSWORD.encode(), b"saltsalt", 1_000)
    made = translate(_document("pbkdf2", f"$pbkdf2-{written}$i=1000,l=64$c2FsdHNhbHQ${base64_of(content)}"))
    assert made == f"$pbkdf2-{name}$i=1000$c2FsdHNhbHQ${base64_of(alone)}"
    assert parse_password_hash(made) == f"pbkdf2-{name}"


def test_pbkdf2_without_costs_has_auth0s() -> None:
    made = translate(_document("pbkdf2", f"$pbkdf2-sha512$c2FsdHNhbHQ${base64_of(bytes(64))}"))
    assert made.startswith("$pbkdf2-sha512$i=100000$c2FsdHNhbHQ$")


def test_the_documented_ldap_hash_stays_as_it_is() -> None:
    value = "{SSHA384}/cgEjdoZh85DhurDeOQEMO1rMlAur93SVPbYe5XSD4lF7nNuvrBju5hUeg9A6agRemgSXGl5YuE="
    assert translate(_document("ldap", value, encoding="utf8")) == value
    assert verify("secret", translate(_document("ldap", "{SSHA}" + base64.b64encode(SALTED).decode()))).ok


HUNTER: dict[str, Any] = {"value": "hunter2"}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"algorithm": "md5"},
        {"algorithm": ["md5"], "hash": HUNTER},
        {"algorithm": "md5", "hash": "hunter2"},
        _document("hunter2", "hunter2"),
        _document("md4", "AbuUujgF0pPPkJPSFRTpmA==", encoding="base64"),
        _document("hmac", "cg7f42jH39/2EaAU4wNd4s2lKIk=", encoding="base64", digest="sha1"),
        _document("md5", "hunter2", encoding="hex"),
        _document("md5", "(hunter2)", encoding="base64"),
        _document("md5", "hunter2", encoding=["hex"]),
        _document("md5", "ab" * 20),
        _document("md5", "ab" * 16, salt={"value": "hunter2", "position": ["prefix"]}),
        _document("md5", "ab" * 16, password={"encoding": "utf16le"}),
        _document("md5", "ab" * 16, password={"encoding": ["utf8"]}),
        _document("bcrypt", "$2b$10$hunter2", salt=HUNTER),
        _document("scrypt", "ab" * 32, salt=HUNTER, keylen=31),
        _document("scrypt", "ab" * 32, salt=HUNTER, keylen=32, cost=1000),
        _document("scrypt", "ab" * 32, salt=HUNTER, keylen=32, cost="2**hunter2"),
        _document("pbkdf2", "hunter2"),
        _document("pbkdf2", "$pbkdf2-md4$i=100000,l=64$aHVudGVy$aHVudGVy"),
        _document("pbkdf2", "$pbkdf2-sha256$i=hunter2$aHVudGVy$aHVudGVy"),
        _document("ldap", "{CRYPT}hunter2"),
        _document("ldap", "{SSHA}aHVudGVy"),
        _document("ldap", "{SHA}" + "A" * 40),
    ],
    ids=range(24),
)
def test_what_the_service_cannot_repeat_is_refused_without_repeating_it(document: dict[str, Any]) -> None:
    with pytest.raises(ForeignHashError) as refused:
        translate(document)
    assert "hunter2" not in str(refused.value)
