"""Reads the rows of the input once more, in step with their results. No row is kept while its result is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.importing.records import ImportRow

if TYPE_CHECKING:
    from collections.abc import Iterator


class RowsAlong:
    """The rows of one segment. Results come in the order of the rows."""

    def __init__(self, rows: Iterator[ImportRow]) -> None:
        self._rows = rows
        self._next: ImportRow | None = next(rows, None)

    def up_to(self, number: int) -> Iterator[ImportRow]:
        """Yield the rows before this number that were not sent."""
        while self._next is not None and self._next.number < number:
            row, self._next = self._next, next(self._rows, None)
            if row.faults:
                yield row

    def at(self, number: int) -> ImportRow:
        """The row of this number; one without content where the input has none, since it was changed meanwhile."""
        if self._next is None or self._next.number != number:
            return ImportRow(number, b"")
        row, self._next = self._next, next(self._rows, None)
        return row

    def rest(self) -> Iterator[ImportRow]:
        """Yield all further rows that were not sent."""
        while self._next is not None:
            row, self._next = self._next, next(self._rows, None)
            if row.faults:
                yield row
