"""Writes one JSON line for each row of a batch, and counts the rows by what came of them."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from cli.submission.error_tally import ErrorTally, message_of

if TYPE_CHECKING:
    from cli.submission.intake_client import Answer
    from cli.submission.results_out import ResultsOut
    from cli.submission.row_window import Row

KEY_REUSED: Final = "idempotency_key_reused"
"""The shim's error where a key comes again with another body."""

_BATCH_USED: Final = "the batch name was used for other lines: choose another --batch"
"""What that means for a person who runs `submit`."""

_NO_ANSWER: Final = "no_answer"
"""The error of a row for which the run ended too early."""


class RowResults:
    """Writes results as they come, from any thread. A result names its line by number and repeats nothing of it."""

    def __init__(self, out: ResultsOut) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._errors = ErrorTally()
        self.written = 0
        self.accepted = 0
        self.created = 0
        self.refused: Counter[str] = Counter()
        self.requests_refused = 0
        """How many of the refused rows were no signups: no JSON, too large, or with a key that another line used."""
        self.without_outcome = 0

    @property
    def nothing_taken(self) -> bool:
        """Whether rows were refused as requests and not a single one was accepted."""
        return self.requests_refused > 0 and self.accepted == 0

    def row_accepted(self, row: Row, *, write: bool) -> None:
        """The shim accepted the row. `write`: write that as its result, since its outcome will not be read."""
        with self._lock:
            self.accepted += 1
            if write:
                self._write({"line": row.line, "id": row.task_id})

    def row_outcome(self, row: Row, response: dict[str, Any]) -> None:
        """The row has its outcome: the documented response."""
        known = _named(row)
        with self._lock:
            if response.get("ok") is True:
                self.created += 1
                self._write({**known, "ok": True, "customer": response.get("customer")})
                return
            error = str(response.get("error"))
            self.refused[error] += 1
            self._errors.add(row.line, error, message=message_of(response))
            self._write({**known, "ok": False, **_failure(response)})

    def row_refused(self, row: Row, answer: Answer) -> None:
        """The shim refused the row as a request."""
        message = {"message": _BATCH_USED} if answer.error == KEY_REUSED else {}
        result = {**_named(row), "ok": False, "error": answer.error, **_failure(answer.document), **message}
        with self._lock:
            self.refused[answer.error] += 1
            self.requests_refused += 1
            self._errors.add(row.line, answer.error, message=message.get("message") or message_of(answer.document))
            self._write(result, taken=False)

    def row_failed(self, row: Row, answer: Answer) -> None:
        """The row was accepted and its outcome cannot be read: a dead letter, or a result that has expired."""
        with self._lock:
            self.without_outcome += 1
            self._errors.add(row.line, answer.error)
            self._write({**_named(row), "ok": False, "error": answer.error, **_failure(answer.document)})

    def row_unanswered(self, row: Row) -> None:
        """The run ended before the row had an answer."""
        with self._lock:
            self.without_outcome += 1
            self._errors.add(row.line, _NO_ANSWER)
            self._write({**_named(row), "error": _NO_ANSWER}, taken=row.task_id is not None)

    def summary(self) -> str:
        """All counts in one line for a person."""
        with self._lock:
            codes = ", ".join(f"{count:,} {error}" for error, count in self.refused.most_common())
            return (
                f"{self.accepted:,} accepted, {self.created:,} created, {self.refused.total():,} refused"
                f"{f' ({codes})' if codes else ''}, {self.without_outcome:,} without an outcome"
            )

    def errors(self) -> list[str]:
        """One line for each error, for a person, with the numbers of the first lines that have it."""
        with self._lock:
            return self._errors.lines()

    def _write(self, document: dict[str, Any], *, taken: bool = True) -> None:
        write = self._out.write if taken else self._out.write_untaken
        write(json.dumps(document))
        self.written += 1


def _named(row: Row) -> dict[str, Any]:
    return {"line": row.line} if row.task_id is None else {"line": row.line, "id": row.task_id}


def _failure(response: dict[str, Any]) -> dict[str, Any]:
    return {name: response[name] for name in ("error", "data") if name in response}
