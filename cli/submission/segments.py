"""What is sent in one call: a file as a whole, or a stretch of a stream that cannot be read a second time."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final, Protocol, TypeAlias

from cli.importing.mapping.conversions.odd_passwords import OddPasswords
from cli.importing.reading.errors import BrokenContentError, BrokenInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.importing.plan import ImportPlan
    from cli.importing.reading.input_file import InputFile
    from cli.importing.records import ImportRow

BrokenError: TypeAlias = BrokenContentError | BrokenInputError
"""Why an input has no further rows although it goes on."""

_PIECE_BYTES: Final = 64 * 1024
"""How much is sent at once."""

_LONGEST_LINE_BYTES: Final = 1024 * 1024
"""A line is not sent in part, unless it is longer: no service takes such a row."""

_MOST_ROWS: Final = 10_000
"""Of one stretch of a stream."""

_MOST_BYTES: Final = 8 * 1024 * 1024
"""Of one stretch. It is kept in memory until it is accepted, and nowhere else: it holds passwords."""

_SILENCE_SECONDS: Final = 0.25
"""A stretch ends where the next row does not come for so long: whoever writes may wait for results."""

_ROWS_AHEAD: Final = 1_000
"""Rows that are read ahead of the stretch that is sent."""


class UnreadableFileError(Exception):
    """The file cannot be read to its end. It is no OSError, since that would be taken for one of the connection."""

    def __init__(self, strerror: str | None) -> None:
        """`strerror` is the system's word for it."""
        super().__init__(strerror)
        self.strerror = strerror


class Segment(Protocol):
    """Rows that are sent in one call."""

    broken: BrokenError | None
    """Why the input has no further rows although it goes on. Known once `pieces` has come to its end."""
    odd_passwords: OddPasswords
    """Those of rows that are sent as they are. Known once `pieces` has come to its end."""

    def pieces(self) -> Iterator[bytes]:
        """The body of the call, from its first byte, each time that this is called."""

    def rows(self) -> Iterator[ImportRow]:
        """The rows once more, with those that are not sent."""

    def number_of(self, line: int) -> int:
        """The number of the row that the service knows as this line of the body."""


@dataclass(slots=True)
class WholeFile:
    """A regular file. A row's number is its line in the body."""

    source: InputFile
    plan: ImportPlan
    broken: BrokenError | None = None
    odd_passwords: OddPasswords = field(default_factory=OddPasswords)

    def pieces(self) -> Iterator[bytes]:
        """See Segment.

        Raises:
            UnreadableFileError: the file cannot be read.
        """
        self.broken, self.odd_passwords = None, OddPasswords()
        try:
            with self.source.content() as content:
                yield from (
                    _copied(content, self.odd_passwords)
                    if self.plan.is_plain
                    else _in_their_lines(self.plan.rows(content))
                )
        except (BrokenContentError, BrokenInputError) as error:
            self.broken = error
        except OSError as error:
            raise UnreadableFileError(error.strerror) from None

    def rows(self) -> Iterator[ImportRow]:
        """See Segment.

        Raises:
            UnreadableFileError: the file cannot be read.
        """
        try:
            with self.source.content() as content:
                yield from self.plan.rows(content)
        except (BrokenContentError, BrokenInputError):
            return  # the upload has found that too, and the run tells of it
        except OSError as error:
            raise UnreadableFileError(error.strerror) from None

    def number_of(self, line: int) -> int:
        """See Segment."""
        return line


@dataclass(slots=True)
class Stretch:
    """Some rows of a stream. Their lines in the body follow each other without gaps."""

    all_rows: list[ImportRow] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """Of the rows that are sent."""
    size: int = 0
    broken: BrokenError | None = None
    odd_passwords: OddPasswords = field(default_factory=OddPasswords)

    def add(self, row: ImportRow) -> None:
        """Put a row at the end."""
        self.all_rows.append(row)
        if row.body:
            self.numbers.append(row.number)
            self.size += len(row.body)

    def pieces(self) -> Iterator[bytes]:
        """See Segment."""
        for row in self.all_rows:
            if row.body:
                yield row.body + b"\n"

    def rows(self) -> Iterator[ImportRow]:
        """See Segment."""
        return iter(self.all_rows)

    def number_of(self, line: int) -> int:
        """See Segment."""
        return self.numbers[line - 1]


def stretches(rows: Iterator[ImportRow]) -> Iterator[Stretch]:
    """Yield the rows of a stream, in stretches, as they come.

    Raises:
        BrokenInputError: the stream has no further rows although it goes on. What came before was yielded.
        UnreadableFileError: the stream cannot be read. What came before was yielded.
    """
    read: queue.Queue[ImportRow | Exception | None] = queue.Queue(_ROWS_AHEAD)

    def read_on() -> None:
        try:
            for each in rows:
                read.put(each)
            read.put(None)
        except OSError as error:
            read.put(UnreadableFileError(error.strerror))
        except Exception as error:  # noqa: BLE001 - whoever takes the rows raises it
            read.put(error)

    # A thread of its own: nobody can wait for a row of a pipe and for time to pass at once.
    threading.Thread(target=read_on, daemon=True).start()
    while True:
        stretch, end = _next_stretch(read)
        if stretch.all_rows:
            yield stretch
        if isinstance(end, Exception):
            raise end
        if end:
            return


def _next_stretch(read: queue.Queue[ImportRow | Exception | None]) -> tuple[Stretch, Exception | bool]:
    """The next rows, and whether or why none follow them."""
    stretch = Stretch()
    while len(stretch.all_rows) < _MOST_ROWS and stretch.size < _MOST_BYTES:
        try:
            each = read.get(timeout=_SILENCE_SECONDS if stretch.all_rows else None)
        except queue.Empty:
            break
        if each is None or isinstance(each, Exception):
            return stretch, each or True
        stretch.add(each)
    return stretch, False


def _copied(content: IO[bytes], odd_passwords: OddPasswords) -> Iterator[bytes]:
    """The content in whole lines. Those before a break are yielded, and a line that it cuts off is not."""
    rest = b""
    # read() would lose what it has read when the break comes.
    while piece := content.read1(_PIECE_BYTES):  # type: ignore[attr-defined] # IO lacks what its buffered streams have
        odd_passwords.look_at(piece)
        lines, end, rest_of_piece = piece.rpartition(b"\n")
        if end:
            yield rest + lines + end
            rest = b""
        rest += rest_of_piece
        if len(rest) > _LONGEST_LINE_BYTES:
            yield rest
            rest = b""
    if rest:
        yield rest


def _in_their_lines(rows: Iterator[ImportRow]) -> Iterator[bytes]:
    """The rows' bodies, each in the line of its number. Lines between them are blank."""
    piece, line = bytearray(), 1
    broken: BrokenError | None = None
    try:
        for row in rows:
            if row.body:
                piece += b"\n" * (row.number - line)
                piece += row.body
                piece += b"\n"
                line = row.number + 1
            if len(piece) >= _PIECE_BYTES:
                yield bytes(piece)
                piece.clear()
    except (BrokenContentError, BrokenInputError) as error:
        broken = error
    # The rows before a break are sent too.
    if piece:
        yield bytes(piece)
    if broken is not None:
        raise broken
