"""Ids, random or derived with a key. They consist of letters and digits, so that they need no quoting anywhere."""

from __future__ import annotations

import hmac
import re
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import SecretBytes

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""The digits of base 62, in the order of their values."""

_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
"""The digits of base 62 two at a time: ids are written in half the time."""

_TASK_ID_BYTES: Final = 16
"""128 bits: enough that nobody guesses a task's id."""

_CUSTOMER_ID_BYTES: Final = 12
"""96 bits: two of 10⁹ customers have the same id with a probability of about 10⁻¹¹."""

_ADDRESS_ID_BYTES: Final = 8
"""64 bits: an address' id has to differ from those of the same customer only."""

_CLAIM_BYTES: Final = 10
"""80 bits: two of 10⁷ emails of a batch have the same claim with a probability of about 10⁻¹⁰."""

_FINGERPRINT_BYTES: Final = 16
"""128 bits: nobody finds a second request with the same fingerprint."""

TASK_ID_LENGTH: Final = 22
"""Characters of a task id: 128 bits in base 62."""

TASK_ID_PATTERN: Final = re.compile(rf"[0-9A-Za-z]{{{TASK_ID_LENGTH}}}")
"""The form of every task id, to be matched against a whole text."""


def _base62(raw: bytes, length: int) -> str:
    number = int.from_bytes(raw, "big")
    pairs = []
    for _ in range((length + 1) // 2):
        number, pair = divmod(number, len(_PAIRS))
        pairs.append(_PAIRS[pair])
    return "".join(reversed(pairs))[-length:]


def is_task_id(text: str) -> bool:
    """Whether the text has the form of a task id. Whether there is such a task is another question."""
    return TASK_ID_PATTERN.fullmatch(text) is not None


def new_task_id() -> str:
    """A random task id that cannot be guessed."""
    return _base62(secrets.token_bytes(_TASK_ID_BYTES), TASK_ID_LENGTH)


class IdDeriver:
    """Derives ids and fingerprints with a secret key (HMAC-SHA-256, RFC 2104). No kind can be mistaken for another."""

    __slots__ = ("_keyed",)

    def __init__(self, key: SecretBytes) -> None:
        self._keyed = hmac.new(key.get_secret_value(), digestmod="sha256")

    def task_id(self, *, caller: str, idempotency_key: str) -> str:
        """The one task that this caller's idempotency key names."""
        return _base62(self._digest(b"task", caller, idempotency_key)[:_TASK_ID_BYTES], TASK_ID_LENGTH)

    def fingerprint(self, body: bytes) -> str:
        """A keyed hash of a request's body: two bodies with the same fingerprint are the same.

        A hash without a key would let whoever reads it guess the password in the body.
        """
        return _base62(self._digest(b"fingerprint", body)[:_FINGERPRINT_BYTES], TASK_ID_LENGTH)

    def customer_id(self, *, task_id: str, fingerprint: str) -> str:
        """The customer's `_id`, in 17 characters: the same for every delivery of this task with this request."""
        return _base62(self._digest(b"customer", task_id, fingerprint)[:_CUSTOMER_ID_BYTES], 17)

    def chunk_id(self, content: bytes, *, generation: int) -> str:
        """The id of the chunk with this packed content, in the form of a task id.

        `generation` counts how often chunks with the same content were worked before.
        """
        digest = self._digest(b"chunk", content, str(generation))
        return _base62(digest[:_TASK_ID_BYTES], TASK_ID_LENGTH)

    def part_id(self, *, chunk_id: str, first: int, end: int) -> str:
        """The id of the part of a chunk that has the rows from `first` up to `end`, in the form of a task id."""
        digest = self._digest(b"part", chunk_id, str(first), str(end))
        return _base62(digest[:_TASK_ID_BYTES], TASK_ID_LENGTH)

    def row_customer_id(self, *, caller: str, name: str, row: bytes) -> str:
        """The customer's `_id` for a row of a batch: the same for this row in every batch of this name and caller."""
        return _base62(self._digest(b"row", caller, name, row)[:_CUSTOMER_ID_BYTES], 17)

    def email_claim(self, *, batch_id: str, email_key: str) -> bytes:
        """What stands for an email among those of a validated batch, in 10 bytes."""
        return self._digest(b"claim", batch_id, email_key)[:_CLAIM_BYTES]

    def address_id(self, *, customer_id: str, position: int) -> str:
        """The id of the customer's address at this position, in 11 characters."""
        return _base62(self._digest(b"address", customer_id, str(position))[:_ADDRESS_ID_BYTES], 11)

    def _digest(self, domain: bytes, *parts: str | bytes) -> bytes:
        message = [domain]
        for part in parts:
            raw = part if isinstance(part, bytes) else part.encode()
            # The length goes before the content, so that ("ab", "c") and ("a", "bc") give different digests.
            message.append(len(raw).to_bytes(4, "big") + raw)
        # Not `hmac.digest`, which lets go of the interpreter's lock each time. Two threads that make ids would hand
        # it to each other several times a row then.
        digest = self._keyed.copy()
        digest.update(b"\x00".join(message))
        return digest.digest()
