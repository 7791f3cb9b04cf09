"""Cuts the body of a batch into chunks at line ends, as it comes.

Where a chunk ends depends on the rows alone: the same rows give the same chunks, however the bytes arrive, and wherever
blank lines stand between them. So a chunk that was sent before is recognised.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from schemas.batch import line_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

MAXIMUM_CHUNK_ROWS: Final = 256
"""Rows of one chunk."""

MAXIMUM_CHUNK_BYTES: Final = 256 * 1024
"""Bytes of all rows of one chunk, unless it has one row alone."""

_BLANK: Final = b" \t\r"
"""What JSON calls whitespace, without the line end. A row is its line without these at both ends."""

_MARK: Final = b"\xef\xbb\xbf"
"""UTF-8's byte order mark. It is skipped at the start of the body."""

_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of UTF-16. UTF-32 begins with one of these too, or with a NUL."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that stand together."""

    rows: tuple[bytes, ...] = field(repr=False)
    lines: str
    """The numbers of the rows' lines, as runs (`schemas.batch.line_numbers`)."""
    first_line: int
    too_long: tuple[int, ...]
    """The places of rows that were too long. In place of such a row stands the SHA-256 of its line, in hexadecimal."""


class EncodingFaultError(Exception):
    """The body cannot be read from this line on. The message holds nothing of it."""

    def __init__(self, line: int, message: str, chunk: Chunk | None = None) -> None:
        super().__init__(f"line {line} {message}")
        self.line = line
        self.message = message
        self.chunk = chunk
        """The rows before this line that are in no chunk yet; None where there are none."""


class Cutter:
    """Takes a body piece by piece and gives it back in chunks. It holds one chunk and one line at most."""

    def __init__(self, *, maximum_row_bytes: int) -> None:
        """A line longer than `maximum_row_bytes` is not kept. Its line end, LF or CRLF, does not count."""
        self._maximum_row_bytes = maximum_row_bytes
        self._line = 1
        self._head: bytes | None = b""
        # Of the line that is being read: its bytes, or once they are too many their hash.
        self._rest: list[bytes] = []
        self._rest_bytes = 0
        self._hash: Any = None
        # Of the chunk that is being filled.
        self._rows: list[bytes] = []
        self._numbers: list[int] = []
        self._row_bytes = 0
        self._too_long: list[int] = []

    @property
    def line(self) -> int:
        """The number of the line that is being read, from 1."""
        return self._line

    def feed(self, piece: bytes) -> Iterator[Chunk]:
        """Yield the chunks that are complete with these bytes. All must be taken before the next piece is fed.

        Raises:
            EncodingFaultError: rows that would belong to the next chunk are not UTF-8, or the body is UTF-16.
        """
        if self._head is not None:
            piece = self._after_head(piece)
        *ended, rest = piece.split(b"\n")
        if ended and self._rest_bytes:
            self._keep(ended[0])
            ended[0] = b"".join(self._rest)
            yield from self._end_line(ended.pop(0))
        for line in ended:
            yield from self._end_line(line)
        if rest:
            self._keep(rest)

    def end(self) -> Iterator[Chunk]:
        """Yield the chunks that the body's end completes: none, one, or two.

        Raises:
            EncodingFaultError: as for `feed`.
        """
        if self._head:
            head, self._head = self._head, None
            yield from self.feed(head.removeprefix(_MARK))
        if self._rest_bytes:
            yield from self._end_line(b"".join(self._rest))
        if self._rows:
            yield self._chunk()

    def rows_so_far(self) -> Chunk | None:
        """The complete rows that are in no chunk yet, for a body that is broken off. None where there are none.

        Raises:
            EncodingFaultError: as for `feed`.
        """
        return self._chunk() if self._rows else None

    def _after_head(self, piece: bytes) -> bytes:
        """What follows the byte order mark. Nothing while that cannot be told."""
        head = (self._head or b"") + piece
        if head[:2] in _WIDE_MARKS or 0 in head[:2]:
            raise EncodingFaultError(1, "is UTF-16 or UTF-32: send UTF-8")
        if len(head) < len(_WIDE_MARKS[0]) or (len(head) < len(_MARK) and _MARK.startswith(head)):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(_MARK)

    def _keep(self, part: bytes) -> None:
        """Keep a part of a line whose end has not come."""
        self._rest_bytes += len(part)
        if self._hash is None:
            self._rest.append(part)
            # The last byte may be the CR of the line end.
            if self._rest_bytes > self._maximum_row_bytes + 1:
                self._hash = hashlib.sha256(b"".join(self._rest))
                self._rest.clear()
        else:
            self._hash.update(part)

    def _end_line(self, line: bytes) -> Iterator[Chunk]:
        """Make a row of a whole line, unless the line is blank. Yield the chunk that this completes."""
        digest, self._hash = self._hash, None
        self._rest.clear()
        self._rest_bytes = 0
        if digest is None and len(line) > self._maximum_row_bytes + line.endswith(b"\r"):
            digest = hashlib.sha256(line)
        row = line.strip(_BLANK) if digest is None else digest.hexdigest().encode()
        if row:
            if self._rows and self._row_bytes + len(row) > MAXIMUM_CHUNK_BYTES:
                yield self._chunk()
            if digest is not None:
                self._too_long.append(len(self._rows))
            self._rows.append(row)
            self._numbers.append(self._line)
            self._row_bytes += len(row)
            if len(self._rows) == MAXIMUM_CHUNK_ROWS:
                yield self._chunk()
        self._line += 1

    def _chunk(self) -> Chunk:
        rows, numbers, too_long = self._rows, self._numbers, self._too_long
        self._rows, self._numbers, self._too_long, self._row_bytes = [], [], [], 0
        try:
            # One call for all rows: it takes a fraction of a microsecond a row.
            b"\n".join(rows).decode()
        except UnicodeDecodeError:
            bad = next(place for place, row in enumerate(rows) if not _is_utf8(row))
            before = _chunk(rows[:bad], numbers[:bad], [each for each in too_long if each < bad]) if bad else None
            raise EncodingFaultError(numbers[bad], "is not UTF-8", before) from None
        return _chunk(rows, numbers, too_long)


def _chunk(rows: list[bytes], numbers: list[int], too_long: list[int]) -> Chunk:
    return Chunk(tuple(rows), line_numbers.encode(numbers), numbers[0], tuple(too_long))


def _is_utf8(row: bytes) -> bool:
    try:
        row.decode()
    except UnicodeDecodeError:
        return False
    return True
