"""One run of a batch: some threads post rows, others read outcomes, and a `RowWindow` lies between them.

Each row's idempotency key is made of the batch's name and the line's number. So everything here may be repeated: a
call whose answer was lost, or the whole run. The key is never made from the line's content, which holds a password.
"""

from __future__ import annotations

import random
import threading
import time
from typing import IO, TYPE_CHECKING, Final

from cli.submission.answers import ACCEPTED, OK, check_worth_repeating, has_no_result, is_final, refuses_row
from cli.submission.intake_client import NoAnswerError
from cli.submission.numbered_lines import numbered
from cli.submission.row_window import Row, RowWindow

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.submission.intake_client import Answer, IntakeConnection
    from cli.submission.row_results import RowResults

_ROWS_PER_READER: Final = 32
"""How many accepted rows each thread that reads outcomes may have waiting for it."""
_WAIT_SECONDS: Final = 20
"""How long the shim is asked to hold a call that reads an outcome."""
_FIRST_PAUSE_SECONDS: Final = 0.1
"""The pause before a call is repeated for the first time. Each further pause is twice as long."""
_LONGEST_PAUSE_SECONDS: Final = 10.0
"""No pause between two repeats grows beyond this, unless the shim asks for more."""
_LONGEST_RETRY_AFTER_SECONDS: Final = 60.0
"""The most of a Retry-After header that is obeyed."""
_LAST_ANSWERS_SECONDS: Final = 3.0
"""How long a run that was broken off waits for the answers to calls that are open."""
_ROWS_IN_VAIN: Final = 100
"""The run stops once this many rows were refused as requests and none was accepted."""


class StalledError(Exception):
    """No row got any further for too long. The text is the last trouble."""


class NothingTakenError(Exception):
    """The first rows were all refused as requests. So it is probably the wrong file, or the wrong batch name."""


class Batch:
    """One run of `submit`: sends every line and writes a result for each."""

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
        """The number of the last line that was read."""
        self.trouble = ""
        """Why a call is being repeated now; empty while all goes well."""

    @property
    def on_the_way(self) -> int:
        """How many rows were read and have no result yet."""
        return len(self._window)

    def run(self, lines: IO[bytes], *, tell_progress: Callable[[], None], every_seconds: float) -> None:
        """Send every line and write every result, until all is done or no row gets any further.

        However the run ends, each row that was read has one result.

        Raises:
            RefusedError: the service refuses the token, or the URL leads to something else.
            StalledError: nothing moved for `give_up_after_seconds`.
            NothingTakenError: the first rows were all refused as requests. Rows without an answer get no result then:
                they were never sent, or were refused too.
            OSError: the lines cannot be read, or the results cannot be written.
            KeyboardInterrupt: the user pressed Ctrl-C.
        """
        # Lines are read by a thread of their own, so that the run can end while the input is slow.
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
        deadline = None  # only the last results are still written, and a slow reader of stdout may take its time
        if self._window.stopped.is_set() or not self._window.wait_until_over(0):
            self._window.stop()
            # The shim may hold a call that reads. Calls that post are not broken off: we want to know what it accepted.
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
        answer = self._until_answered(row, lambda: connection.create(body, key=key), also_final=refuses_row)
        if answer is None:
            return
        if refuses_row(answer):
            if self._window.finish(row):
                self._results.row_refused(row, answer)
            if self._results.nothing_taken and self._results.requests_refused >= _ROWS_IN_VAIN:
                raise NothingTakenError
            return
        if answer.status == OK:
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
            row, lambda: connection.result(task_id, wait_seconds=_WAIT_SECONDS), also_final=has_no_result
        )
        if answer is None:
            return
        if answer.status == ACCEPTED:
            if time.monotonic() - asked_at < answer.retry_after_seconds:
                # The shim did not hold the call: too many wait, or it is about to end.
                self._window.stopped.wait(answer.retry_after_seconds)
            self._give_up_if_stalled(row)
            self._window.read_later(row)
        elif self._window.finish(row):
            if answer.status == OK:
                self._results.row_outcome(row, answer.document)
            else:
                self._results.row_failed(row, answer)

    def _until_answered(
        self, row: Row, call: Callable[[], Answer], *, also_final: Callable[[Answer], bool]
    ) -> Answer | None:
        """Repeat a call until its answer is final; returns None once the run has been stopped."""
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not self._window.stopped.is_set():
            retry_after_seconds = 0.0
            try:
                answer = call()
            except NoAnswerError as error:
                self.trouble = str(error)
            else:
                if is_final(answer) or also_final(answer):
                    # A call that says "not yet" is no progress: see _read.
                    if answer.status != ACCEPTED or row.task_id is None:
                        self._progress_at, self.trouble = time.monotonic(), ""
                    return answer
                check_worth_repeating(answer)
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
