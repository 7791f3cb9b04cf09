"""The bytes of a file as they are stored, and those of a stream that were looked at before they are read."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from cli.importing.reading.errors import BrokenContentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer


class FileBytes(io.RawIOBase):
    """The bytes of a regular file between two places. Several can read one open file at the same time."""

    def __init__(self, descriptor: int, *, start: int, end: int, at_end: Callable[[], None]) -> None:
        """Read from `start` up to `end`.

        Args:
            descriptor: of the open file. Its own position is not moved.
            start: the first byte.
            end: behind the last byte.
            at_end: is called where all was read, and may raise.
        """
        self._descriptor = descriptor
        self._start = self._place = start
        self._end = end
        self._at_end = at_end

    @property
    def read_bytes(self) -> int:
        """How many bytes were read."""
        return self._place - self._start

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """See io.RawIOBase.

        Raises:
            BrokenContentError: the file is shorter than it was.
            OSError: it cannot be read.
        """
        into = memoryview(buffer).cast("B")
        if self._place >= self._end:
            self._at_end()
            return 0
        piece = os.pread(self._descriptor, min(len(into), self._end - self._place), self._place)
        if not piece:
            raise BrokenContentError("the file became shorter while it was read")
        into[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)


class SeenBytes(io.RawIOBase):
    """The bytes of a stream, from the first one. What is looked at is kept, and read once more afterwards."""

    def __init__(self, stream: io.RawIOBase, seen: bytearray, *, keep: bool) -> None:
        """Give the bytes that were seen before, then those that follow.

        Args:
            stream: where the further bytes come from.
            seen: what was read of it. Further bytes are added if they are kept.
            keep: whether somebody will read the bytes once more.
        """
        self._stream = stream
        self._seen = seen
        self._place = 0
        self._keep = keep

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """See io.RawIOBase."""
        into = memoryview(buffer).cast("B")
        if self._place < len(self._seen):
            piece = self._seen[self._place : self._place + len(into)]
            into[: len(piece)] = piece
            self._place += len(piece)
            return len(piece)
        read = self._stream.readinto(into)
        if self._keep and read:
            self._seen += into[:read]
            self._place += read
        return read
