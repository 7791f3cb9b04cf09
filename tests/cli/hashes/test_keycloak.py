"""A user of a Keycloak realm can log in with the credential document of the realm's export."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import argon2
import argon2.low_level
import pytest

from cli.importing.hashes.foreign_hash import ForeignHashError
from cli.importing.hashes.keycloak import is_hashed, translate
from schemas.password_hashes.parsing import parse_password_hash
from tests.cli.hashes.digits import base64_of

PASSWORD = "ünter uns"
SALT = b"0123456789abcdef"


def _document(algorithm: str, content: bytes, *, iterations: int = 1_000, **more: list[str]) -> dict[str, Any]:
    return {
        "type": "password",
        "secretData": json.dumps(
            {
                "value": base64.b64encode(content).decode(),
                "salt": base64.b64encode(SALT).decode(),
                "additionalParameters": {},
            }
        ),
        "credentialData": json.dumps(
            {"hashIterations": iterations, "algorithm": algorithm, "additionalParameters": more}
        ),
    }


@pytest.mark.parametrize(
    ("algorithm", "name"), [("pbkdf2", "sha1"), ("pbkdf2-sha256", "sha256"), ("pbkdf2-sha512", "sha512")]
)
@pytest.mark.parametrize("size", ["as long as the hash", "64"])
def test_pbkdf2_is_cut_to_what_its_hash_gives(algorithm: str, name: str, size: str) -> None:
    """Keycloak's older releases ask PBKDF2 for 64 bytes, whatever the hash is."""
    wanted = 64 if size == "64" else None
    content = hashlib.pbkdf2_hmac(name, PASSWORD.encode(), SALT, 1_000, wanted)
    alone = hashlib.pbkdf2_hmac(name, PASSWORD.encode(), SALT, 1_000)
    made = translate(_document(algorithm, content))
    assert made == f"$pbkdf2-{name}$i=1000${base64_of(SALT)}${base64_of(alone)}"
    assert parse_password_hash(made) == f"pbkdf2-{name}"


def test_a_published_credential_is_translated() -> None:
    """The user `alice` of the realm that Quarkus' examples of Keycloak import. Her password is her name."""
    made = translate(
        {
            "type": "password",
            "secretData": '{"value":"A3okqV2T/ybXTVEgKfosoSjP8Yc9IZbFP/SY4cEd6hag7TABQrQ6nUSuwagGt96l8cw1DTijO75PqX6u'
            'iTXMzw==","salt":"sl4mXx6T9FypPH/s9TngfQ==","additionalParameters":{}}',
            "credentialData": '{"hashIterations":27500,"algorithm":"pbkdf2-sha256","additionalParameters":{}}',
        }
    )
    salt = base64.b64decode("sl4mXx6T9FypPH/s9TngfQ==")
    assert made.endswith(base64_of(hashlib.pbkdf2_hmac("sha256", b"alice", salt, 27_500)))


@pytest.mark.parametrize("kind", ["id", "i", "d"])
@pytest.mark.parametrize(("version", "number"), [("1.3", 19), ("1.0", 16)])
def test_argon2_becomes_a_phc_string_that_verifies(kind: str, version: str, number: int) -> None:
    content = argon2.low_level.hash_secret_raw(
        PASSWORD.encode(),
        SALT,
        time_cost=2,
        memory_cost=64,
        parallelism=1,
        hash_len=32,
        type=argon2.low_level.Type[kind.upper()],
        version=number,
    )
    made = translate(
        _document(
            "argon2",
            content,
            iterations=2,
            hashLength=["32"],
            memory=["64"],
            type=[kind],
            version=[version],
            parallelism=["1"],
        )
    )
    assert parse_password_hash(made) == f"argon2{kind}"
    assert argon2.low_level.verify_secret(made.encode(), PASSWORD.encode(), argon2.low_level.Type[kind.upper()])


def test_a_document_of_an_old_release_has_its_fields_in_itself() -> None:
    content = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), SALT, 20_000, 64)
    document = {
        "type": "password",
        "hashedSaltedValue": base64.b64encode(content).decode(),
        "salt": base64.b64encode(SALT).decode(),
        "hashIterations": 20_000,
        "algorithm": "pbkdf2-sha256",
    }
    assert translate(document) == f"$pbkdf2-sha256$i=20000${base64_of(SALT)}${base64_of(content[:32])}"


def test_bcrypt_of_an_extension_is_taken() -> None:
    document = {"secretData": '{"value":"$2a$10$abc","salt":""}', "credentialData": '{"algorithm":"bcrypt"}'}
    assert translate(document) == "$2a$10$abc"


def test_a_password_that_stands_in_clear_is_no_hash() -> None:
    assert not is_hashed({"type": "password", "value": "hunter2"})
    assert is_hashed(_document("argon2", b""))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"secretData": "hunter2", "credentialData": "{}"},
        {"secretData": '{"value":"hunter2"}', "credentialData": '{"algorithm":"pbkdf2"}'},
        {"secretData": '{"value":"aHVudGVy","salt":"aHVudGVy"}', "credentialData": '{"algorithm":"pbkdf2"}'},
        {"secretData": '{"value":"aHVudGVy","salt":"(hunter2)"}', "credentialData": '{"algorithm":"pbkdf2"}'},
        {"secretData": [], "credentialData": {}},
        _document("hunter2", b"hunter2"),
        _document("pbkdf2", b"hunter2", iterations=-1),
        _document("argon2", b"hunter2"),
        _document("argon2", b"hunter2", type=["x"], version=["1.3"], memory=["64"], parallelism=["1"]),
    ],
    ids=range(10),
)
def test_what_is_not_whole_is_refused_without_repeating_it(document: dict[str, Any]) -> None:
    with pytest.raises(ForeignHashError) as refused:
        translate(document)
    assert "hunter2" not in str(refused.value)
