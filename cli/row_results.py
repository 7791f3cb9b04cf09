"""One JSON line for each row of a batch, and how many there were of each kind."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from cli.intake_client import Answer
    from cli.row_window import Row

KEY_REUSED: Final = "idempotency_key_reused"
_BATCH_USED: Final = "the batch name was used for other lines: choose another --batch"


class RowResults:
    """Writes results as they come, from any thread. Of a line nothing is written but its number."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._lock = threading.Lock()
        self.written = 0
        self.accepted = 0
        self.created = 0
        self.refused: Counter[str] = Counter()
        self.without_outcome = 0

    def row_accepted(self, row: Row, *, write: bool) -> None:
        """The shim promised an outcome; `write`: it will not be read."""
        with self._lock:
            self.accepted += 1
            if write:
                self._write({"line": row.line, "id": row.task_id})

    def row_outcome(self, row: Row, response: dict[str, Any]) -> None:
        """A row's documented response."""
        known = _named(row)
        with self._lock:
            if response.get("ok") is True:
                self.created += 1
                self._write({**known, "ok": True, "customer": response.get("customer")})
                return
            self.refused[str(response.get("error"))] += 1
            self._write({**known, "ok": False, **_failure(response)})

    def row_refused(self, row: Row, answer: Answer) -> None:
        """The shim refused the request itself."""
        message = {"message": _BATCH_USED} if answer.error == KEY_REUSED else {}
        with self._lock:
            self.refused[answer.error] += 1
            self._write({**_named(row), "ok": False, "error": answer.error, **_failure(answer.document), **message})

    def row_failed(self, row: Row, answer: Answer) -> None:
        """An accepted row that has no outcome to be read: a dead letter, or a result that has expired."""
        with self._lock:
            self.without_outcome += 1
            self._write({**_named(row), "ok": False, "error": answer.error, **_failure(answer.document)})

    def row_unanswered(self, row: Row) -> None:
        """The run ended before there was an answer."""
        with self._lock:
            self.without_outcome += 1
            self._write({**_named(row), "error": "no_answer"})

    def summary(self) -> str:
        """One line for a person."""
        with self._lock:
            codes = ", ".join(f"{count:,} {error}" for error, count in self.refused.most_common())
            return (
                f"{self.accepted:,} accepted, {self.created:,} created, {self.refused.total():,} refused"
                f"{f' ({codes})' if codes else ''}, {self.without_outcome:,} without an outcome"
            )

    def _write(self, document: dict[str, Any]) -> None:
        self._out.write(json.dumps(document) + "\n")
        self._out.flush()
        self.written += 1


def _named(row: Row) -> dict[str, Any]:
    return {"line": row.line} if row.task_id is None else {"line": row.line, "id": row.task_id}


def _failure(response: dict[str, Any]) -> dict[str, Any]:
    return {name: response[name] for name in ("error", "data") if name in response}
