"""Rows for batches: the documented body with random names, addresses and passwords, none like another."""

from __future__ import annotations

import json
import random
import string
from typing import Any, Final

from schemas.example import example_request

_LETTERS: Final = string.ascii_letters + string.digits
"""What random words are made of, where case and digits do no harm."""

_STATES: Final = ("Illinois", "Texas", "Ohio", "Utah", "Maine")
"""Some texts repeat in every real file."""


class Rows:
    """Makes rows. The same seed makes the same rows."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._seed = seed

    def make(self, count: int, *, hashed: bool) -> list[bytes]:
        """So many rows, with passwords or with hashes that another system made."""
        return [self._row(number, hashed=hashed) for number in range(count)]

    def _row(self, number: int, *, hashed: bool) -> bytes:
        first, last = self._word(4, 8).capitalize(), self._word(4, 10).capitalize()
        (address,) = example_request()["addresses"]
        address |= {
            "firstName": first,
            "lastName": last,
            "address_1": f"{self._random.randint(1, 9999)} {self._word(4, 9).capitalize()} Court",
            "address_2": f"Number {self._random.randint(1, 99)}",
            "postCode": f"{self._random.randint(10_000, 99_999)}",
            "city": self._word(5, 11).capitalize(),
            "state": self._random.choice(_STATES),
            "company": self._word(5, 11).capitalize(),
            "phone": self._random.randint(10**9, 10**10 - 1),
        }
        row: dict[str, Any] = example_request(
            email=f"{first.lower()}.{last.lower()}.{self._seed}{number}@{self._word(5, 9)}.com",
            password=self._text(14),
            firstName=first,
            lastName=last,
            addresses=[address],
        )
        if hashed:
            del row["password"]
            # The last digit leaves no bits over: 16 bytes of salt, 32 of digest.
            row["passwordHash"] = f"$pbkdf2-sha256$29000${self._text(21)}A${self._text(42)}A"
        return json.dumps(row, separators=(",", ":")).encode()

    def _word(self, least: int, most: int) -> str:
        return "".join(self._random.choices(string.ascii_lowercase, k=self._random.randint(least, most)))

    def _text(self, length: int) -> str:
        return "".join(self._random.choices(_LETTERS, k=length))
