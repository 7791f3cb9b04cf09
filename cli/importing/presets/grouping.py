"""Exports that give a customer several rows: the rows are put together again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli.importing.mapping.fields import LINE
from cli.importing.presets.drafting import begin
from cli.importing.records import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cli.importing.records import Draft, Record

ROWS: Final = 200
"""How many rows a customer may have. The service takes 50 addresses; so many rows are a file that was misread."""

BROKEN_ROW_BEHIND: Final = "the row behind it cannot be read, and may be another address of this customer"
"""The fault of a customer who might otherwise go in without an address. A customer who is in is not changed later."""
TOO_MANY_ROWS: Final = f"this customer has more than {ROWS} rows"
"""The fault of a customer without end."""


def grouped(records: Iterable[Record], continues: Callable[[Record, Record], bool]) -> Iterator[Draft]:
    """Begin a draft of each customer's rows.

    A row behind one that could not be read is put to nobody: its customer is not known.

    Args:
        records: as they were read.
        continues: whether the second row belongs to the customer whose first row is the first. It is asked of an empty
            row too, where a row could not be read.

    Yields:
        The drafts in the order of their first rows. One with faults is not to be filled.
    """
    draft: Draft | None = None
    for record in records:
        if draft is not None:
            goes_on = not draft.faults and not _begins(record) and continues(draft.records[0], record)
            if goes_on and not record.fault and len(draft.records) < ROWS:
                draft.records.append(record)
                continue
            if goes_on:
                draft.faults.append(Fault("", BROKEN_ROW_BEHIND if record.fault else TOO_MANY_ROWS))
            yield draft
        draft = begin(record)
    if draft is not None:
        yield draft


def _begins(record: Record) -> bool:
    """Whether a file of refused rows says that a customer begins here. Only a customer's first row has a number there.

    The customer of such a file's row may have gone in, and the rows of two customers may have come to stand together.
    """
    number = record.values.get(LINE)
    return number is not None and bool(str(number).strip())
