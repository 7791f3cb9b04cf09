"""The bound of the work of schemes that hash the whole password again in every round: sha-crypt and phpass.

Their cost grows with the rounds and with the password. The bounds of the rounds alone would let a password of 4,096
bytes take ten seconds.
"""

from __future__ import annotations

from typing import Final

_MAXIMUM_BLOCKS: Final = 2_000_000
"""Blocks of 64 bytes of the password that are hashed in all rounds together: about a second of one core.

With the most rounds, sha-crypt takes passwords of up to 127 bytes and phpass of up to 447. With the rounds that
products use, both take any.
"""
_BLOCK_BYTES: Final = 64
"""What MD5 and SHA-256 take at once."""


def is_bounded(rounds: int, password: bytes) -> bool:
    """Whether a login may hash this password in so many rounds."""
    return rounds * (1 + len(password) // _BLOCK_BYTES) <= _MAXIMUM_BLOCKS
