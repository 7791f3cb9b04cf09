"""Reads a table: CSV with any sign between the columns, as RFC 4180 and spreadsheets write it."""

from __future__ import annotations

import csv
import re
from typing import IO, TYPE_CHECKING, Final

from cli.importing.reading.errors import BrokenContentError, BrokenInputError
from cli.importing.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

MAXIMUM_CELL: Final = 1024 * 1024
"""Characters of one cell."""

MAXIMUM_ROW: Final = 4 * 1024 * 1024
"""Characters of one row, and bytes of one line."""

_NO_LIMIT: Final = 2**31 - 1
"""What csv is told to take for a cell: its own limit is one for the whole process. See _Lines for ours."""

SEPARATOR_LINE: Final = re.compile(r'"?sep=([^"\r\n\0])"?\s*', re.IGNORECASE)
"""Excel's own first line, which names the sign and is no row. Excel reads it and does not show it."""


def table_records(content: IO[bytes], *, delimiter: str, not_text: str) -> Iterator[Record]:
    """Yield the rows below the names of the columns. A row has the number of its first line.

    Rows without any value are skipped, as blank lines are.

    Args:
        content: the text.
        delimiter: the sign between columns.
        not_text: what is told of a row that is not UTF-8.

    Raises:
        BrokenInputError: the content is damaged or ends too early, or a quote never closes.
        OSError: it cannot be read.
    """
    columns: list[str] | None = None
    for number, cells, fault in table_rows(content, delimiter=delimiter):
        if fault is not None:
            yield Record(number, {}, fault or not_text)
        elif columns is None:
            columns = column_names(cells)
        elif len(cells) != len(columns):
            yield Record(number, {}, f"it has {len(cells):,} cells, and the table has {len(columns):,} columns")
        else:
            yield _record(number, columns, cells)


def column_names(cells: list[str]) -> list[str]:
    """The names of the columns, by the first row."""
    return [cell.strip() for cell in cells]


def _record(number: int, columns: list[str], cells: list[str]) -> Record:
    values = dict(zip(columns, cells, strict=True))
    if "" in values:
        for place, (column, cell) in enumerate(zip(columns, cells, strict=True), 1):
            if not column and cell:
                return Record(number, {}, f"column {place:,} has a value, and no name in the first row")
        del values[""]
    return Record(number, values)


def table_rows(content: IO[bytes], *, delimiter: str) -> Iterator[tuple[int, list[str], str | None]]:
    """Yield each row as (line, cells, fault). The fault is None where there is none, "" where the text is not UTF-8.

    Raises:
        BrokenInputError: as table_records.
        OSError: as table_records.
    """
    if csv.field_size_limit() < _NO_LIMIT:
        csv.field_size_limit(_NO_LIMIT)
    lines = _Lines(content)
    # In strict mode a quote inside a cell must be doubled. Otherwise a cell that is not quoted well would pass with
    # another value, and a quote that never closes would swallow all rows up to the next quote and be no fault.
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin_row()
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            if lines.at_end and "unexpected end" in str(error):
                raise BrokenInputError(lines.first, "a quote opens in this row and never closes") from None
            yield lines.first, [], _fault_of(error)
            continue
        except BrokenContentError as error:
            raise BrokenInputError(lines.first, str(error)) from None
        if lines.fault is not None:
            yield lines.first, [], lines.fault
        elif any(cells):
            if lines.size > MAXIMUM_CELL and any(len(cell) > MAXIMUM_CELL for cell in cells):
                yield lines.first, [], "a cell of it is larger than 1 MiB"
            else:
                yield lines.first, cells, None


def _fault_of(error: csv.Error) -> str:
    if "new-line character" in str(error):
        return "a carriage return stands in it outside of quotes"
    return "a quote in it is neither doubled nor at the end of its cell"


class _Lines:
    """The lines of a text, as csv asks for them: one, and further ones while a quote is open."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self._number = 0
        self._begins_row = True
        self.first = 1
        """The number of the row's first line."""
        self.size = 0
        """How many bytes the row has had so far."""
        self.fault: str | None = None
        """Why the row cannot be read, "" where it is not UTF-8."""
        self.at_end = False

    def begin_row(self) -> None:
        """Say that the next line belongs to another row."""
        self._begins_row = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._content.readline(MAXIMUM_ROW)
        if not line:
            self.at_end = True
            raise StopIteration
        self._number += 1
        if self._begins_row:
            self._begins_row = False
            self.first = self._number
            self.size = 0
            self.fault = None
        self.size += len(line)
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            self.fault = ""
            return line.decode("utf-8", errors="replace")
        if self._number == 1 and SEPARATOR_LINE.fullmatch(text):
            return ""
        return text
