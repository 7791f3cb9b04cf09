"""A batch of rows on its way through the shim: threads that post, threads that read outcomes, a window between.

Each row has an idempotency key made of the batch's name and the line's number. So everything here may be repeated: a
call whose answer was lost, and the whole run. The key is never made from what the line says, which holds a password.
"""

from __future__ import annotations

import random
import threading
import time
from typing import IO, TYPE_CHECKING, Final

from cli.submission.intake_client import NoAnswerError
from cli.submission.numbered_lines import numbered
from cli.submission.row_window import Row, RowWindow

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.submission.intake_client import Answer, IntakeConnection
    from cli.submission.row_results import RowResults

_ROWS_PER_READER: Final = 32
_WAIT_SECONDS: Final = 20
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 10.0
_LONGEST_RETRY_AFTER_SECONDS: Final = 60.0
_LAST_ANSWERS_SECONDS: Final = 3.0
_ROWS_IN_VAIN: Final = 100
"""So many refused requests at the beginning, and none that was taken, are no accident."""

_OK: Final = 200
_ACCEPTED: Final = 202
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_INTERNAL_ERROR: Final = 500
_ROW_REFUSED: Final = frozenset({400, 413, 415, 422, 431})
_TRY_AGAIN: Final = frozenset({408, 425, 429, *range(500, 600)})


class RefusedError(Exception):
    """No row will fare better: the token or the URL is wrong."""


class StalledError(Exception):
    """For too long nothing at all has moved."""


class NothingTakenError(Exception):
    """The first rows were all refused as requests: the lines or the batch's name are the wrong ones."""


class Batch:
    """One run."""

    def __init__(
        self,
        connect: Callable[[], IntakeConnection],
        results: RowResults,
        *,
        name: str,
        concurrency: int,
        wait: bool,
        give_up_after_seconds: float,
    ) -> None:
        self._connect = connect
        self._results = results
        self.name = name
        self._wait = wait
        self._give_up_after_seconds = give_up_after_seconds
        self._readers = max(1, concurrency // 2) if wait else 0
        self._posters = max(1, concurrency - self._readers)
        self._window = RowWindow(rows=2 * self._posters + _ROWS_PER_READER * self._readers, unsent=2 * self._posters)
        self._reading: list[IntakeConnection] = []
        self._threads: list[threading.Thread] = []
        self._progress_at = time.monotonic()
        self._ended_by: BaseException | None = None
        self.last_line = 0
        """The last line that was read."""
        self.trouble = ""
        """Why a call is being repeated; empty where all goes well."""

    @property
    def on_the_way(self) -> int:
        """How many rows are between being read and having their result."""
        return len(self._window)

    def run(self, lines: IO[bytes], *, tell_progress: Callable[[], None], every_seconds: float) -> None:
        """Send every line and write every result, until all is done or nothing moves any more.

        However it ends, each row that was read has one result.

        Raises:
            RefusedError: as it says.
            StalledError: as it says.
            NothingTakenError: as it says; then rows that have no answer yet were not sent, or refused as well.
            OSError: the lines cannot be read or the results not be written.
            KeyboardInterrupt: as it was asked for.
        """
        # The lines have a thread of their own: whatever a slow input does, the run can end.
        reading = self._thread(lambda: self._read_lines(lines))
        workers = [self._post_rows] * self._posters + [self._read_outcomes] * self._readers
        self._threads = [self._thread(work) for work in workers]
        try:
            # Ctrl-C may come from here on: the first rows are posted while the last threads start.
            for thread in (reading, *self._threads):
                thread.start()
            while not self._window.wait_until_over(every_seconds):
                tell_progress()
        finally:
            self._end()
        if self._ended_by is not None:
            raise self._ended_by

    def _end(self) -> None:
        deadline = None  # the last results are being written, however slow whoever reads them is
        if self._window.stopped.is_set() or not self._window.wait_until_over(0):
            self._window.stop()
            # They may be held for long. Calls that post are not broken off: what is accepted should be known.
            for connection in self._reading:
                connection.abort()
            deadline = time.monotonic() + _LAST_ANSWERS_SECONDS
        for thread in self._threads:
            if thread.is_alive():
                thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        in_vain = isinstance(self._ended_by, NothingTakenError) and self._results.nothing_taken
        if not in_vain and not isinstance(self._ended_by, OSError):
            for row in self._window.clear():
                self._results.row_unanswered(row)

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        return threading.Thread(target=self._guard, args=(work,), daemon=True)

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 # raised again by run, in the main thread
            self._ended_by = self._ended_by or error
            self._window.stop()

    def _read_lines(self, lines: IO[bytes]) -> None:
        for number, body in numbered(lines):
            if not self._window.add(Row(number, body, time.monotonic())):
                return
            self.last_line = number
        self._window.complete()

    def _post_rows(self) -> None:
        connection = self._connect()
        while (row := self._window.next_to_post()) is not None:
            self._post(connection, row)
        connection.close()

    def _post(self, connection: IntakeConnection, row: Row) -> None:
        key, body = f"{self.name}:{row.line}", row.body
        answer = self._until_answered(row, lambda: connection.create(body, key=key), also_final=_refuses_row)
        if answer is None:
            return
        if _refuses_row(answer):
            if self._window.finish(row):
                self._results.row_refused(row, answer)
            if self._results.nothing_taken and self._results.requests_refused >= _ROWS_IN_VAIN:
                raise NothingTakenError
            return
        if answer.status == _OK:
            if self._window.finish(row):
                self._results.row_accepted(row, write=False)
                self._results.row_outcome(row, answer.document)
            return
        row.task_id = answer.task_id
        if self._wait:
            self._results.row_accepted(row, write=False)
            self._window.accepted(row)
        elif self._window.finish(row):
            self._results.row_accepted(row, write=True)

    def _read_outcomes(self) -> None:
        connection = self._connect()
        self._reading.append(connection)
        while (row := self._window.next_to_read()) is not None:
            self._read(connection, row)
        connection.close()

    def _read(self, connection: IntakeConnection, row: Row) -> None:
        asked_at, task_id = time.monotonic(), row.task_id or ""
        answer = self._until_answered(
            row, lambda: connection.result(task_id, wait_seconds=_WAIT_SECONDS), also_final=_has_no_result
        )
        if answer is None:
            return
        if answer.status == _ACCEPTED:
            if time.monotonic() - asked_at < answer.retry_after_seconds:
                # The shim did not hold the call: too many wait, or it is about to end.
                self._window.stopped.wait(answer.retry_after_seconds)
            self._give_up_if_stalled(row)
            self._window.read_later(row)
        elif self._window.finish(row):
            if answer.status == _OK:
                self._results.row_outcome(row, answer.document)
            else:
                self._results.row_failed(row, answer)

    def _until_answered(
        self, row: Row, call: Callable[[], Answer], *, also_final: Callable[[Answer], bool]
    ) -> Answer | None:
        """Repeat a call until its answer is one to go by; None once the run has been stopped."""
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not self._window.stopped.is_set():
            retry_after_seconds = 0.0
            try:
                answer = call()
            except NoAnswerError as error:
                self.trouble = str(error)
            else:
                if _is_final(answer) or also_final(answer):
                    # A call that says "not yet" is no progress: see _read.
                    if answer.status != _ACCEPTED or row.task_id is None:
                        self._progress_at, self.trouble = time.monotonic(), ""
                    return answer
                _check(answer)
                self.trouble = answer.error
                retry_after_seconds = min(answer.retry_after_seconds, _LONGEST_RETRY_AFTER_SECONDS)
            self._give_up_if_stalled(row)
            # Not all at once, and never earlier than the shim asked for.
            self._window.stopped.wait(retry_after_seconds + random.uniform(0.5, 1) * pause_seconds)  # noqa: S311
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
        return None

    def _give_up_if_stalled(self, row: Row) -> None:
        stalled_seconds = time.monotonic() - max(self._progress_at, row.read_at)
        if stalled_seconds > self._give_up_after_seconds:
            raise StalledError(self.trouble or "no outcome")


def _is_final(answer: Answer) -> bool:
    return answer.status in {_OK, _ACCEPTED} and bool(answer.document)


def _refuses_row(answer: Answer) -> bool:
    return answer.status in _ROW_REFUSED and bool(answer.document)


def _has_no_result(answer: Answer) -> bool:
    """It has expired, or the task is a dead letter: that names its task, unlike a fault of the shim's own."""
    return answer.status in {_NOT_FOUND, _INTERNAL_ERROR} and "data" in answer.document


def _check(answer: Answer) -> None:
    """An answer that is not final is worth another call."""
    if answer.status in {_UNAUTHORIZED, _FORBIDDEN}:
        raise RefusedError(f"the service refuses the token: {answer.error} ({answer.status})")
    if answer.status not in _TRY_AGAIN:
        raise RefusedError(f"this is not how the service answers (HTTP {answer.status}): is the URL right?")
