"""What is sent in one call: a file as a whole, or a stretch of a stream that cannot be read a second time."""

from __future__ import annotations

import errno
import queue
import threading
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final, Protocol

from cli.importing.reading.errors import BrokenContentError, BrokenInputError
from cli.importing.reading.numbered_lines import numbered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.importing.reading.input_file import InputFile

_PIECE_BYTES: Final = 64 * 1024
"""How much of a file is read at once."""

_MOST_ROWS: Final = 10_000
"""Of one stretch of a stream."""

_MOST_BYTES: Final = 8 * 1024 * 1024
"""Of one stretch. It is kept in memory until it is accepted, and nowhere else: it holds passwords."""

_SILENCE_SECONDS: Final = 0.25
"""A stretch ends where the next line does not come for so long: whoever writes may wait for results."""

_LINES_AHEAD: Final = 1_000
"""Lines that are read ahead of the stretch that is sent."""


class UnreadableFileError(Exception):
    """The file cannot be read to its end. It is no OSError, since that would be taken for one of the connection."""

    def __init__(self, strerror: str | None) -> None:
        """`strerror` is the system's word for it."""
        super().__init__(strerror)
        self.strerror = strerror


class Segment(Protocol):
    """Rows that are sent in one call."""

    def pieces(self) -> Iterator[bytes]:
        """The bytes, from the first one, each time that this is called."""

    def line_of(self, row: int) -> int:
        """The number of the input's line that the service knows as line `row` of this body."""


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A regular file."""

    source: InputFile

    def pieces(self) -> Iterator[bytes]:
        """See Segment.

        Raises:
            UnreadableFileError: the file cannot be read.
        """
        try:
            with self.source.rewound() as content:
                while piece := content.read(_PIECE_BYTES):
                    yield piece
        except BrokenContentError as error:
            raise UnreadableFileError(str(error)) from None
        except OSError as error:
            raise UnreadableFileError(error.strerror) from None

    def line_of(self, row: int) -> int:
        """See Segment."""
        return row


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some lines of a stream."""

    numbers: list[int]
    bodies: list[bytes] = field(repr=False)

    def pieces(self) -> Iterator[bytes]:
        """See Segment."""
        for body in self.bodies:
            yield body + b"\n"

    def line_of(self, row: int) -> int:
        """See Segment."""
        return self.numbers[row - 1]


def stretches(lines: IO[bytes]) -> Iterator[Stretch]:
    """Yield the lines of a stream, in stretches, as they come.

    Raises:
        OSError: the stream cannot be read. What came before was yielded.
    """
    read: queue.Queue[tuple[int, bytes] | OSError | None] = queue.Queue(_LINES_AHEAD)

    def read_on() -> None:
        try:
            for each in numbered(lines):
                read.put(each)
            read.put(None)
        except (OSError, BrokenInputError) as error:
            read.put(error if isinstance(error, OSError) else OSError(errno.EIO, error.message))

    # A thread of its own: nobody can wait for a line of a pipe and for time to pass at once.
    threading.Thread(target=read_on, daemon=True).start()
    end: OSError | None = None
    at_end = False
    while not at_end:
        stretch = Stretch([], [])
        size = 0
        while len(stretch.numbers) < _MOST_ROWS and size < _MOST_BYTES:
            try:
                each = read.get(timeout=_SILENCE_SECONDS if stretch.numbers else None)
            except queue.Empty:
                break
            if each is None or isinstance(each, OSError):
                end, at_end = each, True
                break
            stretch.numbers.append(each[0])
            stretch.bodies.append(each[1])
            size += len(each[1])
        if stretch.numbers:
            yield stretch
    if end is not None:
        raise end
