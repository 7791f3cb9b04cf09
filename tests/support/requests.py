"""Requests to begin a test with: complete and valid, changed where the test says so."""

from __future__ import annotations

import json
from typing import Any, Final

CANARY: Final = "canary-7f3a91-password"
"""A password that must never turn up where nobody may read it."""


def an_address(**changes: Any) -> dict[str, Any]:
    """Only the required fields of an address."""
    return {
        "name": "Work",
        "firstName": "John",
        "address_1": "1650 Bolman Court",
        "postCode": "61701",
        "city": "Bloomington",
        "state": "Illinois",
        "country": "US",
    } | changes


def a_full_address(**changes: Any) -> dict[str, Any]:
    """Every documented field of an address."""
    return (
        an_address(
            lastName="Doe",
            address_2="Number 10",
            company="My Company",
            phone=2173203531,
            instructions="Some Instructions",
        )
        | changes
    )


def a_request(**changes: Any) -> dict[str, Any]:
    """Only the required arguments of `customer.create`."""
    return {"email": "john.doe@example.com", "password": CANARY, "firstName": "John", "lastName": "Doe"} | changes


def a_full_request(**changes: Any) -> dict[str, Any]:
    """Every documented argument of `customer.create`."""
    return a_request(status="ACTIVE", tags=["VIP"], addresses=[a_full_address()]) | changes


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """The same without some fields."""
    return {name: value for name, value in document.items() if name not in names}


def as_body(document: Any) -> bytes:
    """The document as a client sends it."""
    return json.dumps(document).encode()
