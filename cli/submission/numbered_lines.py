"""The lines of a file of any length, of which no more than one is in memory."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MAXIMUM_LINE_BYTES: Final = 16 * 1024 * 1024
"""More than any shim takes by far; of a longer line only so much is sent, and gets its 413."""


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
