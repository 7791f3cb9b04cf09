"""A user of an ASP.NET site can log in with the hash that the database holds."""

from __future__ import annotations

import base64
import hashlib

import pytest

from cli.importing.hashes.aspnet import is_likely, translate
from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError
from schemas.password_hashes.parsing import parse_password_hash

PUBLISHED = {
    "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==": "pbkdf2-sha1",
    "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==": "pbkdf2-sha256",
    "AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ=": (
        "pbkdf2-sha256"
    ),
}
"""Hashes of `my password` in the tests of dotnet/aspnetcore (PasswordHasherTest.cs) → what they are."""


def _bytes(digits: str) -> bytes:
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


@pytest.mark.parametrize("text", PUBLISHED)
def test_a_published_hash_becomes_a_phc_string_that_verifies(text: str) -> None:
    made = translate(text)
    assert parse_password_hash(made) == PUBLISHED[text]
    _, scheme, costs, salt, content = made.split("$")
    name, iterations = scheme.removeprefix("pbkdf2-"), int(costs.removeprefix("i="))
    again = hashlib.pbkdf2_hmac(name, b"my password", _bytes(salt), iterations, len(_bytes(content)))
    assert again == _bytes(content)


def test_such_hashes_are_told_from_others() -> None:
    assert all(is_likely(text) for text in PUBLISHED)
    digests = [
        base64.b64encode(hashlib.new(name, b"x").digest()).decode() for name in ("md5", "sha1", "sha256", "sha512")
    ]
    assert not any(is_likely(text) for text in ["hunter2", "", "====", "$2b$10$abc", "ab" * 32, *digests])


def test_no_hash_is_no_password() -> None:
    with pytest.raises(NoPasswordError):
        translate(" ")


@pytest.mark.parametrize(
    "content",
    [
        b"\0" + bytes(47),
        b"\1",
        b"\1" + bytes(12),
        b"\1" + (3).to_bytes(4, "big") + (1000).to_bytes(4, "big") + (16).to_bytes(4, "big") + bytes(48),
        b"\1" + (1).to_bytes(4, "big") + (1000).to_bytes(4, "big") + (40).to_bytes(4, "big") + bytes(48),
        b"\2" + bytes(60),
        b"hunter2",
    ],
    ids=["short", "no head", "empty", "unknown hash", "little left", "unknown format", "text"],
)
def test_others_are_refused(content: bytes) -> None:
    with pytest.raises(ForeignHashError):
        translate(base64.b64encode(content).decode())
