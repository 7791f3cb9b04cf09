"""Reads the lines of a file of any length, with one line in memory at a time."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MAXIMUM_LINE_BYTES: Final = 16 * 1024 * 1024
"""Far more than any shim accepts. A longer line is cut here, and the shim answers it with 413."""


def numbered(lines: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, each with its number, from 1, and without the white space around it."""
    number, inside = 0, False
    while piece := lines.readline(MAXIMUM_LINE_BYTES):
        goes_on, inside = inside, not piece.endswith(b"\n")
        if goes_on:
            continue
        number += 1
        if body := piece.strip():
            yield number, body
