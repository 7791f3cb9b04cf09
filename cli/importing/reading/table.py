"""Reads a table: CSV with any sign between the columns, as RFC 4180 and spreadsheets write it."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING, Final

from cli.importing.reading.errors import BrokenContentError, BrokenInputError
from cli.importing.reading.table_lines import NEVER_CLOSES, TableLines
from cli.importing.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

MAXIMUM_CELL: Final = 1024 * 1024
"""Characters of one cell."""

_NO_LIMIT: Final = 2**31 - 1
"""What csv is told to take for a cell: its own limit is one for the whole process. TableLines bounds the row."""


def table_records(content: IO[bytes], *, delimiter: str, not_text: str, spaced: bool = False) -> Iterator[Record]:
    """Yield the rows below the names of the columns. A row has the number of its first line.

    Rows without any value are skipped, as blank lines are.

    Args:
        content: the text.
        delimiter: the sign between columns.
        not_text: what is told of a row that is not UTF-8.
        spaced: whether spaces behind the signs belong to no cell.

    Raises:
        BrokenInputError: the content is damaged or ends too early, or a quote never closes.
        OSError: it cannot be read.
    """
    columns: list[str] | None = None
    for number, cells, fault in _rows(content, delimiter, spaced=spaced, not_text=not_text):
        if fault and columns is None:
            raise BrokenInputError(number, f"the names of the columns cannot be read: {fault}")
        if fault:
            yield Record(number, {}, fault)
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


def _rows(content: IO[bytes], delimiter: str, *, spaced: bool, not_text: str) -> Iterator[tuple[int, list[str], str]]:
    """Yield the first line, the cells and the fault of each row that is not empty."""
    if csv.field_size_limit() < _NO_LIMIT:
        csv.field_size_limit(_NO_LIMIT)
    lines = TableLines(content, delimiter)
    # In strict mode a quote inside a cell must be doubled. Otherwise a cell that is not quoted well would pass with
    # another value, and a quote that never closes would swallow all rows up to the next quote and be no fault.
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=spaced, strict=True)
    while True:
        lines.begin_row()
        cells: list[str] = []
        fault = ""
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise BrokenInputError(lines.first, NEVER_CLOSES) from None
            fault = _fault_of(error)
        except BrokenContentError as error:
            raise BrokenInputError(lines.first, str(error)) from None
        if lines.size > MAXIMUM_CELL and any(len(cell) > MAXIMUM_CELL for cell in cells):
            fault = "a cell of it is larger than 1 MiB"
        fault = lines.fault or (fault if lines.is_text else not_text)
        if fault or any(cells):
            yield lines.first, cells, fault


def _fault_of(error: csv.Error) -> str:
    if "new-line character" in str(error):
        return "a carriage return stands in it outside of quotes"
    return "a quote in it is neither doubled nor at the end of its cell"
