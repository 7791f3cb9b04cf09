"""The documented call as one curl that is ready to paste."""

from __future__ import annotations

import shlex
from typing import Final

EXAMPLE_BODY: Final = (
    '{"email": "john.doe@gmail.com", "password": "correct horse battery staple", "firstName": "John", '
    '"lastName": "Doe",\n'
    '       "status": "ACTIVE", "tags": ["VIP"], "addresses": [{"name": "Work", "firstName": "John", '
    '"lastName": "Doe",\n'
    '       "address_1": "1650 Bolman Court", "address_2": "Number 10", "postCode": "61701", '
    '"city": "Bloomington",\n'
    '       "state": "Illinois", "country": "US", "company": "My Company", "phone": 2173203531,\n'
    '       "instructions": "Some Instructions"}]}'
)
"""The body in README.md, to the letter; a test compares them."""


def example_curl(url: str, token: str) -> str:
    """One command for a POSIX shell."""
    return (
        f"curl -sS {url}/services/customer/v1/customer.create \\\n"
        f"  -H {shlex.quote(f'Authorization: Bearer {token}')} \\\n"
        "  -H 'Content-Type: application/json' -H 'Prefer: wait=10' \\\n"
        f"  -d {shlex.quote(EXAMPLE_BODY)}"
    )
