"""The lines of a table, as Python's csv asks for them, with a bound for the memory of one row."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, Final

from cli.importing.reading.errors import BrokenContentError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAXIMUM_ROW: Final = 4 * 1024 * 1024
"""Bytes of one row."""

SEPARATOR_LINE: Final = re.compile(r'"?sep=([^"\r\n\0])"?\s*', re.IGNORECASE)
"""Excel's own first line, which names the sign and is no row. Excel reads it and does not show it."""

NEVER_CLOSES: Final = "a quote opens in this row and never closes"
"""What ends a table: all that follows the quote is one cell."""

_TOO_LARGE: Final = "it is larger than 4 MiB"
"""What is told of a larger row."""

_QUOTE: Final = b'"'
"""What begins and ends a cell that holds line ends or signs. Two of them are one that belongs to the cell."""


class TableLines:
    """Gives csv one line, and further ones while a quote is open. Knows what became of the row."""

    def __init__(self, content: IO[bytes], delimiter: str) -> None:
        self._content = content
        self._ends_of_cell = (delimiter.encode(), b"\r", b"\n")
        self._number = 0
        self._begins_row = True
        self.first = 1
        """The number of the row's first line."""
        self.size = 0
        """How many bytes the row has had so far."""
        self.is_text = True
        """Whether all of the row is UTF-8."""
        self.fault = ""
        """Why the row cannot be read."""

    def begin_row(self) -> None:
        """Say that the next line belongs to another row."""
        self._begins_row = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        begins_row, self._begins_row = self._begins_row, False
        if begins_row:
            self.first, self.size, self.is_text, self.fault = self._number + 1, 0, True, ""
        # Not longer than a row may be: nobody knows how long a line is.
        line = self._content.readline(MAXIMUM_ROW)
        if not line:
            raise StopIteration
        self._number += line.endswith(b"\n")
        self.size += len(line)
        if self.size >= MAXIMUM_ROW:
            return self._skip_row(line, in_quotes=not begins_row)
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            self.is_text = False
            return line.decode("utf-8", errors="replace")
        if self.first == 1 and begins_row and SEPARATOR_LINE.fullmatch(text):
            return ""
        return text

    def _skip_row(self, line: bytes, *, in_quotes: bool) -> str:
        """Read the rest of a row that is too large, and keep nothing of it. Returns what ends the row for csv."""
        end = '"\n' if in_quotes else '""\n'
        self.fault = _TOO_LARGE
        while True:
            in_quotes = self._is_open_behind(line, in_quotes=in_quotes)
            if line.endswith(b"\n") and not in_quotes:
                return end
            line = self._content.readline(MAXIMUM_ROW)
            if not line and in_quotes:
                raise BrokenContentError(NEVER_CLOSES)
            if not line:
                return end
            self._number += line.endswith(b"\n")

    def _is_open_behind(self, line: bytes, *, in_quotes: bool) -> bool:
        """Whether a quote is open at the end of this line. Where one is not doubled, the row ends, as csv has it."""
        if not in_quotes:
            return line.count(_QUOTE) % 2 == 1
        _, end, behind = line.replace(_QUOTE * 2, b"").partition(_QUOTE)
        if not end:
            return True
        return behind.startswith(self._ends_of_cell) and behind.count(_QUOTE) % 2 == 1
