"""Writes one JSON line for each row, and counts the rows by what came of them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from cli.submission.error_tally import ErrorTally, message_of

if TYPE_CHECKING:
    from cli.submission.results_out import ResultsOut

_NO_OUTCOMES: Final = frozenset({"internal_error", "canceled"})
"""Errors that say nothing of the row: it waits for an operator, or somebody canceled the batch."""


class RowResults:
    """Writes results as they come. A result names its line by number and repeats nothing of it."""

    def __init__(self, out: ResultsOut) -> None:
        self._out = out
        self._errors = ErrorTally()
        self.accepted = 0
        """Rows that the service has accepted."""
        self.written = 0
        """Rows that have their result."""
        self.created = 0
        self.repeated = 0
        """Rows that were in before, and made their customer then."""
        self.valid = 0
        self.refused: Counter[str] = Counter()
        self.no_signups = 0
        """How many of the refused rows are no signups at all: no JSON object, or a line that is too long."""
        self._no_outcome = 0

    @property
    def good(self) -> int:
        """How many rows came to a good end."""
        return self.created + self.repeated + self.valid

    @property
    def without_outcome(self) -> int:
        """How many accepted rows have no outcome that would say something of them."""
        return self._no_outcome + max(0, self.accepted - self.written)

    @property
    def nothing_taken(self) -> bool:
        """Whether there are rows, and not one of them is a signup."""
        return self.no_signups > 0 and self.no_signups == self.accepted

    def batch_accepted(self, batch: dict[str, Any], *, write: bool) -> None:
        """The service accepted rows. `write`: write that as a result, since their outcomes will not be read."""
        self.accepted += int(batch["rows"])
        if write:
            self._out.write(json.dumps({"batch": batch["id"], "name": batch["name"], "rows": batch["rows"]}))

    def row_outcome(self, line: int, row: dict[str, Any]) -> None:
        """The row of this line has its outcome."""
        outcome = {name: value for name, value in row.items() if name != "row"}
        self.written += 1
        if outcome.get("ok") is True:
            self.valid += "valid" in outcome
            self.repeated += "repeated" in outcome
            self.created += "customer" in outcome and "repeated" not in outcome
        else:
            self._count_failure(line, outcome)
        self._out.write(json.dumps({"line": line, **outcome}))

    def summary(self) -> str:
        """All counts in one line for a person."""
        codes = ", ".join(f"{count:,} {error}" for error, count in self.refused.most_common())
        good = f"{self.valid:,} valid" if self.valid else f"{self.created:,} created"
        return (
            f"{self.accepted:,} accepted, {good}{f', {self.repeated:,} in before' if self.repeated else ''}, "
            f"{self.refused.total():,} refused{f' ({codes})' if codes else ''}, "
            f"{self.without_outcome:,} without an outcome"
        )

    def errors(self) -> list[str]:
        """One line for each error, for a person, with the numbers of the first lines that have it."""
        return self._errors.lines()

    def _count_failure(self, line: int, outcome: dict[str, Any]) -> None:
        error = str(outcome.get("error"))
        self._errors.add(line, error, message=message_of(outcome))
        if error in _NO_OUTCOMES:
            self._no_outcome += 1
            return
        self.refused[error] += 1
        faults = (outcome.get("data") or {}).get("errors") or [{}]
        # A fault without a field is about the whole line.
        self.no_signups += error == "validation_error" and faults[0].get("field") == ""
