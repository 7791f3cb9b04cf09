"""The one example request: README, curl, OpenAPI document, benches and tests take it from here."""

from __future__ import annotations

import json
from typing import Any, Final

EXAMPLE_TEXT: Final = """\
{"email": "john.doe@gmail.com", "password": "a passphrase that only John knows", "firstName": "John", "lastName": "Doe",
       "status": "ACTIVE", "tags": ["VIP"], "addresses": [{"name": "Work", "firstName": "John", "lastName": "Doe",
       "address_1": "1650 Bolman Court", "address_2": "Number 10", "postCode": "61701", "city": "Bloomington",
       "state": "Illinois", "country": "US", "company": "My Company", "phone": 2173203531,
       "instructions": "Some Instructions"}]}"""
"""A body of `customer.create` that uses every documented field, as JSON, laid out for a curl in a shell."""


def example_request(**changes: Any) -> dict[str, Any]:
    """The example as a dictionary of its own, with `changes` in the place of its fields or beside them."""
    return {**json.loads(EXAMPLE_TEXT), **changes}


def example_address(**changes: Any) -> dict[str, Any]:
    """The example's one address, changed in the same way."""
    (address,) = example_request()["addresses"]
    return {**address, **changes}
