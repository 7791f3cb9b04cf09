"""The documented call as one curl that is ready to paste."""

from __future__ import annotations

import shlex

from schemas.example import EXAMPLE_TEXT


def example_curl(url: str, token: str) -> str:
    """The example request as one command for a POSIX shell; README.md shows the same body."""
    return (
        f"curl -sS {url}/services/customer/v1/customer.create \\\n"
        f"  -H {shlex.quote(f'Authorization: Bearer {token}')} \\\n"
        "  -H 'Content-Type: application/json' -H 'Prefer: wait=10' \\\n"
        f"  -d {shlex.quote(EXAMPLE_TEXT)}"
    )
