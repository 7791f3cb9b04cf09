"""Writes one JSON line for each row, and counts the rows by what came of them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from cli.importing.mapping.fields import column_of
from cli.submission.error_tally import ErrorTally, message_of, reason_of
from cli.submission.failed_rows import NoFailedRows

if TYPE_CHECKING:
    from collections.abc import Container

    from cli.importing.records import ImportRow
    from cli.submission.failed_rows import FailedRows
    from cli.submission.result_files import LinesOut

DUPLICATE: Final = "duplicate_key"
"""The error of a row whose email another customer has."""

_NO_OUTCOMES: Final = frozenset({"internal_error", "canceled"})
"""Errors that say nothing of the row: it waits for an operator, or somebody canceled the batch."""


class RowResults:
    """Writes results as they come. A result names its row by number and repeats nothing of it."""

    def __init__(
        self,
        out: LinesOut,
        *,
        failed: FailedRows | None = None,
        told_by: str = "line",
        failed_before: Container[int] = (),
        ignore_duplicates: bool = False,
    ) -> None:
        """Begin with no row.

        Args:
            out: takes a JSON line for each row.
            failed: takes the rows that are refused.
            told_by: what a row's number counts, "line" or "item".
            failed_before: the numbers of rows that an earlier run refused.
            ignore_duplicates: whether a row whose email another customer has is as good as one that is in.
        """
        self._out = out
        self._failed = failed or NoFailedRows()
        self.told_by = told_by
        """What a row's number counts."""
        self._failed_before = failed_before
        self._ignore_duplicates = ignore_duplicates
        self.error_kinds = ErrorTally(told_by)
        self.warning_kinds = ErrorTally(told_by)
        self.accepted = 0
        """Rows that the service has accepted."""
        self.not_sent = 0
        """Rows that were refused before they were sent."""
        self.written = 0
        """Accepted rows that have their result."""
        self.created = 0
        self.corrected = 0
        """Rows that are created now, and that an earlier run refused."""
        self.repeated = 0
        """Rows that were in before, and made their customer then."""
        self.valid = 0
        self.duplicates = 0
        """Rows whose email another customer has, where that is no failure."""
        self.refused: Counter[str] = Counter()
        self.failed_again = 0
        """Refused rows that an earlier run refused too."""
        self.no_signups = 0
        """How many of the refused rows are no signups at all: no JSON object, or a line that is too long."""
        self._no_outcome = 0

    @property
    def rows(self) -> int:
        """How many rows there are, as far as is known."""
        return self.accepted + self.not_sent

    @property
    def without_outcome(self) -> int:
        """How many accepted rows have no outcome that would say something of them."""
        return self._no_outcome + max(0, self.accepted - self.written)

    @property
    def nothing_taken(self) -> bool:
        """Whether there are rows, and not one of them is a signup."""
        return self.rows > 0 and self.no_signups + self.not_sent == self.rows

    def batch_accepted(self, batch: dict[str, Any], *, write: bool) -> None:
        """The service accepted rows. `write`: write that as a result, since their outcomes will not be read."""
        self.accepted += int(batch["rows"])
        if write:
            self._out.write(json.dumps({"batch": batch["id"], "name": batch["name"], "rows": batch["rows"]}))

    def row_refused_here(self, row: ImportRow) -> None:
        """The row has faults that the service need not be asked about."""
        self.not_sent += 1
        errors = [{"field": "", "column": fault.where, "message": fault.message} for fault in row.faults]
        outcome = {"ok": False, "error": "validation_error", "data": {"errors": errors}}
        self._count_warnings(row)
        self._refuse(row, outcome)
        self._out.write(json.dumps({self.told_by: row.number, **outcome}))

    def row_outcome(self, row: ImportRow, answered: dict[str, Any]) -> None:
        """The row has its outcome."""
        outcome = {name: value for name, value in answered.items() if name != "row"}
        self.written += 1
        self._count_warnings(row)
        if outcome.get("ok") is True:
            is_created = "customer" in outcome and "repeated" not in outcome
            self.valid += "valid" in outcome
            self.repeated += "repeated" in outcome
            self.created += is_created
            self.corrected += is_created and row.number in self._failed_before
        elif outcome.get("error") == DUPLICATE and self._ignore_duplicates:
            self.duplicates += 1
        else:
            _name_columns(outcome, row)
            self._refuse(row, outcome)
        self._out.write(json.dumps({self.told_by: row.number, **outcome}))

    def warn(self, number: int, warning: str) -> None:
        """The row of this number looks odd."""
        self.warning_kinds.add(number, "warning", message=warning)

    def finish(self) -> None:
        """All rows of the input have their results.

        Raises:
            OSError: a file cannot be written to its end.
        """
        self._out.finish()
        self._failed.finish()

    def _refuse(self, row: ImportRow, outcome: dict[str, Any]) -> None:
        error = str(outcome.get("error"))
        self.error_kinds.add(row.number, error, message=message_of(outcome))
        if error in _NO_OUTCOMES:
            self._no_outcome += 1
            return
        self.refused[error] += 1
        self.failed_again += row.number in self._failed_before
        self._failed.write(row, error=error, reason=reason_of(outcome))
        faults = (outcome.get("data") or {}).get("errors") or [{}]
        # A fault without a field is about the whole line.
        self.no_signups += error == "validation_error" and faults[0].get("field") == "" and "column" not in faults[0]

    def _count_warnings(self, row: ImportRow) -> None:
        for warning in row.warnings:
            self.warn(row.number, warning)


def _name_columns(outcome: dict[str, Any], row: ImportRow) -> None:
    """Say beside each field from which column it comes."""
    data = outcome.get("data")
    if not row.columns or not isinstance(data, dict):
        return
    for fault in data.get("errors") or [data]:
        column = column_of(row.columns, str(fault.get("field", "email" if "email" in fault else "")))
        if column is not None:
            fault["column"] = column
