"""Exports that give a customer several rows: the rows are put together again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cli.importing.records import Record

ROWS: Final = 200
"""How many rows a customer may have. The service takes 50 addresses; so many rows are a file that was misread."""


def grouped(records: Iterable[Record], continues: Callable[[Record, Record], bool]) -> Iterator[list[Record]]:
    """Put rows to the customer before them.

    A preset should let rows that could not be read continue as well. Such a row may hold an address of the customer
    before it. A customer who is refused with it can be sent again; one who went in without an address cannot.

    Args:
        records: as they were read.
        continues: whether the second row belongs to the customer whose first row is the first.

    Yields:
        The rows of one customer, at most `ROWS`.
    """
    group: list[Record] = []
    for record in records:
        if group and len(group) < ROWS and continues(group[0], record):
            group.append(record)
            continue
        if group:
            yield group
        group = [record]
    if group:
        yield group
