"""Valid requests for tests, with the changes that a test names."""

from __future__ import annotations

import json
from typing import Any, Final

from passlib.hash import pbkdf2_sha256

from schemas.example import example_address, example_request

CANARY: Final = "canary-7f3a91-password"
"""A password that no test may find where it must not be."""

_OPTIONAL_OF_AN_ADDRESS: Final = ("lastName", "address_2", "company", "phone", "instructions")


def an_address(**changes: Any) -> dict[str, Any]:
    """An address with only the required fields."""
    return without(example_address(), *_OPTIONAL_OF_AN_ADDRESS) | changes


def a_full_address(**changes: Any) -> dict[str, Any]:
    """An address with every documented field."""
    return example_address(**changes)


def a_request(**changes: Any) -> dict[str, Any]:
    """A request with only the required arguments of `customer.create`."""
    return without(a_full_request(), "status", "tags", "addresses") | changes


def a_full_request(**changes: Any) -> dict[str, Any]:
    """A request with every documented argument of `customer.create`."""
    return example_request(**{"email": "john.doe@example.com", "password": CANARY, **changes})


def a_password_hash() -> str:
    """A new hash of another system, which no other request has. It is a hash of "password"."""
    return str(pbkdf2_sha256.using(rounds=1000).hash("password"))


def an_import(password_hash: object, **changes: Any) -> dict[str, Any]:
    """A request with only the required arguments of `customer.create`, and a hash in place of the password."""
    return without(a_request(), "password") | {"passwordHash": password_hash} | changes


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """The same document without some fields."""
    return {name: value for name, value in document.items() if name not in names}


def as_body(document: Any) -> bytes:
    """The document as the bytes that a client sends."""
    return json.dumps(document).encode()
