"""Reads numbers that stand in Redis. One that no step can have written must not hide all that is right beside it."""

from __future__ import annotations

from typing import Final

MOST: Final = 2**53
"""Numbers up to here are exact in a browser and in a script of Redis."""


def whole(value: bytes | str | None) -> int:
    """The whole number that a field holds. 0 where it holds none, or one that no step can have written."""
    try:
        number = int(value or 0)
    except ValueError:
        return 0
    return number if abs(number) < MOST else 0
