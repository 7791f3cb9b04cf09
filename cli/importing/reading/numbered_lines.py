"""Reads the lines of a text of any length, with one line in memory at a time."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from cli.importing.reading.errors import BrokenContentError, BrokenInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAXIMUM_LINE_BYTES: Final = 16 * 1024 * 1024
"""Far more than any shim accepts. A longer line is cut here, and the shim answers it with 413."""


def numbered(content: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, each with its number, from 1, and without the white space around it.

    A line comes out as soon as its end was read.

    Raises:
        BrokenInputError: the content is damaged or ends too early. The lines before were yielded.
        OSError: the content cannot be read.
    """
    number, inside = 0, False
    try:
        while piece := content.readline(MAXIMUM_LINE_BYTES):
            goes_on, inside = inside, not piece.endswith(b"\n")
            if goes_on:
                continue
            number += 1
            if body := piece.strip():
                yield number, body
    except BrokenContentError as error:
        raise BrokenInputError(number + 1, str(error)) from None
