"""sha256-crypt and sha512-crypt, by Ulrich Drepper's specification ("Unix crypt using SHA-256 and SHA-512").

crypt(3) is not asked: it holds the interpreter's lock for the whole work, and Python has it no more from 3.13 on.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from passwords.verifying.encodings import crypt_digits
from passwords.verifying.work import is_bounded

_DEFAULT_ROUNDS: Final = 5_000
"""Of a hash that names none."""

_PERIOD: Final = 42
"""Rounds after which the order repeats in which password, salt and digest are hashed: 2 times 3 times 7."""

_VARIANTS: Final = {"5": ("sha256", 1), "6": ("sha512", 2)}
"""The hash function, and by how many places the order of three written bytes turns from one group to the next."""


def matches(password: bytes, stored: str) -> bool:
    """Whether this is the password of `$5$…` or `$6$…`."""
    _, ident, *costs, salt, digits = stored.split("$")
    rounds = int(costs[0].removeprefix("rounds=")) if costs else _DEFAULT_ROUNDS
    if not is_bounded(rounds, password):
        return False
    name, turn = _VARIANTS[ident]
    digest = _digest(name, password, salt.encode(), rounds=rounds)
    return hmac.compare_digest(crypt_digits(_in_written_order(digest, turn)), digits)


def _digest(name: str, password: bytes, salt: bytes, *, rounds: int) -> bytes:
    """The last digest of the specification's steps 1 to 21. A letter in a comment is the specification's name."""

    def hashed(*parts: bytes) -> bytes:
        return hashlib.new(name, b"".join(parts)).digest()

    size = len(password)
    second = hashed(password, salt, password)  # B
    bits = (second if size >> place & 1 else password for place in range(size.bit_length()))
    digest = hashed(password, salt, _repeated(second, size), *bits)  # A
    secret = _repeated(hashed(password * size), size)  # P
    spice = _repeated(hashed(salt * (16 + digest[0])), len(salt))  # S
    around = [_around(number, secret, spice) for number in range(_PERIOD)]
    algorithm = getattr(hashlib, name)
    for start in range(0, rounds, _PERIOD):
        for before, after in around[: rounds - start]:
            digest = algorithm(before + digest + after).digest()  # C
    return digest


def _around(number: int, secret: bytes, spice: bytes) -> tuple[bytes, bytes]:
    """What is hashed before and after the last digest in the round of this number."""
    middle = (spice if number % 3 else b"") + (secret if number % 7 else b"")
    return (secret + middle, b"") if number % 2 else (b"", middle + secret)


def _repeated(digest: bytes, size: int) -> bytes:
    """The digest again and again, to this length."""
    return (digest * (size // len(digest) + 1))[:size]


def _in_written_order(digest: bytes, turn: int) -> bytes:
    """The bytes of a digest in the order in which they are written: one of each third together, then the rest."""
    third = len(digest) // 3
    written = bytearray()
    for place in range(third):
        group = digest[place + 2 * third], digest[place + third], digest[place]
        first = turn * place % 3
        written += bytes(group[first:] + group[:first])
    return bytes(written) + digest[3 * third :]
