"""One run of `submit`: uploads each segment, then follows its rows. Everything here may be repeated.

The same row under the same name is the same signup. So after a call whose answer was lost the same call is made again,
and so is the whole run: what is in is recognised, and made once.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final

from cli.importing.mapping.conversions.odd_passwords import LOOKS_LIKE_HASH
from cli.submission.answers import check_worth_repeating, is_taken, refuses_body
from cli.submission.error_tally import message_of
from cli.submission.intake_client import Answer, NoAnswerError
from cli.submission.reading_along import RowsAlong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cli.submission.intake_client import IntakeClient
    from cli.submission.row_results import RowResults
    from cli.submission.segments import Segment

_FIRST_PAUSE_SECONDS: Final = 0.25
"""The pause before the second try. The pauses double from there."""

_LONGEST_PAUSE_SECONDS: Final = 8.0
"""The longest pause between two tries."""

_LONGEST_RETRY_AFTER_SECONDS: Final = 60.0
"""A service that asks for a longer pause is asked again after this."""

_NOT_FOUND: Final = 404
"""There is no such batch, or none any more."""


class StalledError(Exception):
    """Nothing moved for too long. The text says what kept it from moving."""


class UnreadableError(Exception):
    """The service cannot read the input from some line on, or it is too large. The text tells a person."""


class Submission:
    """Submits segments, one after another."""

    def __init__(
        self,
        client: IntakeClient,
        results: RowResults,
        *,
        query: dict[str, str],
        wait: bool,
        read_along: bool,
        give_up_after_seconds: float,
        on_progress: Callable[[], None],
    ) -> None:
        """Make a run that has not begun.

        Args:
            client: calls the service.
            results: takes the results of rows.
            query: what each upload says of its batch: the name, the mode.
            wait: whether to follow the rows to their outcomes.
            read_along: whether rows are read once more beside their results: some may not be sent, or are to be
                written.
            give_up_after_seconds: how long nothing at all may move.
            on_progress: called often while something moves, and before each pause.
        """
        self._client = client
        self._results = results
        self._query = query
        self._wait = wait
        self._read_along = read_along
        self._give_up_after_seconds = give_up_after_seconds
        self._on_progress = on_progress
        self._moved_at = time.monotonic()
        self.sent_bytes = 0
        """Of the upload that runs."""
        self.last_number = 0
        """The number of the last row that has its result."""
        self.is_sending = False
        """Whether an upload runs."""
        self.ahead = 0
        """How many rows of the batch are done, beside those that have their result here: they stand behind one that is
        not."""
        self.trouble = ""
        """Why the last call is made again; empty while all goes well."""

    def run(self, segments: Iterable[Segment]) -> None:
        """Submit them all.

        Raises:
            RefusedError: the token or the URL is wrong.
            UnreadableError: the service cannot read the input. What was accepted before was followed.
            BrokenInputError: the input cannot be read to its end. What comes before was sent and followed.
            StalledError: nothing moved for too long.
        """
        for segment in segments:
            self._moved()
            answer = self._upload(segment)
            for number in segment.odd_passwords.lines:
                self._results.warn(number, LOOKS_LIKE_HASH)
            along = RowsAlong(segment.rows()) if self._read_along else RowsAlong(iter(()))
            if answer.batch:
                self._results.batch_accepted(answer.batch, write=not self._wait)
                if self._wait:
                    self._follow(segment, along, str(answer.batch["id"]), rows=int(answer.batch["rows"]))
            if not is_taken(answer):
                raise UnreadableError(_why(answer, segment))
            for row in along.rest():
                self._results.row_refused_here(row)
            if segment.broken is not None:
                raise segment.broken

    def _upload(self, segment: Segment) -> Answer:
        """Upload the segment, and again until the service has all of it or says that it never will."""
        pauses = self._pauses()
        while True:
            self.sent_bytes, self.is_sending = 0, True
            answer = self._tried(lambda: self._client.upload(self._counted(segment.pieces()), **self._query))
            if answer is not None and (is_taken(answer) or refuses_body(answer)):
                self.trouble, self.is_sending = "", False
                return answer
            self._judge(answer)
            next(pauses)

    def _follow(self, segment: Segment, along: RowsAlong, batch_id: str, *, rows: int) -> None:
        """Write the result of each row, in order, through any number of broken connections."""
        seen, after, finished = 0, 0, 0
        pauses = self._pauses()
        while seen < rows:
            failure: Answer | None = None
            try:
                for each in self._client.rows(batch_id, after=after):
                    if isinstance(each, Answer):
                        failure = each
                        break
                    after, seen = int(each["row"]), seen + 1
                    self.ahead = max(0, finished - seen)
                    self.last_number = segment.number_of(after)
                    for row in along.up_to(self.last_number):
                        self._results.row_refused_here(row)
                    self._results.row_outcome(along.at(self.last_number), each)
                    self._moved()
                    pauses = self._pauses()
            except NoAnswerError as error:
                self.trouble = str(error)
                # Results come in the order of rows. One row may wait for long, as for the lease of a worker that died.
                known = max(finished, seen)
                finished = max(known, self._finished(batch_id))
                self.ahead = finished - seen
                if finished > known:
                    self._moved()
                    pauses = self._pauses()
            if failure is not None:
                if failure.status == _NOT_FOUND and failure.document:
                    raise StalledError("the service does not know the batch any more")
                self._judge(failure)
            if seen < rows:
                next(pauses)

    def _finished(self, batch_id: str) -> int:
        """How many rows of the batch are done, wherever they stand; 0 where that cannot be read."""
        answer = self._tried(lambda: self._client.result(batch_id))
        finished = answer.batch.get("finished") if answer is not None else None
        return finished if isinstance(finished, int) else 0

    def _tried(self, call: Callable[[], Answer]) -> Answer | None:
        try:
            return call()
        except NoAnswerError as error:
            self.trouble = str(error)
            return None

    def _judge(self, answer: Answer | None) -> None:
        """Return where the call may be made again."""
        self._retry_after_seconds = 0.0
        if answer is not None:
            check_worth_repeating(answer)
            self.trouble = answer.error
            self._retry_after_seconds = min(answer.retry_after_seconds, _LONGEST_RETRY_AFTER_SECONDS)

    _retry_after_seconds = 0.0

    def _pauses(self) -> Iterator[None]:
        """Pause a while with each step, longer and longer.

        Raises:
            StalledError: nothing has moved for too long.
        """
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            if time.monotonic() - self._moved_at > self._give_up_after_seconds:
                raise StalledError(self.trouble or "no outcome")
            self._on_progress()
            # Not all runs at once, and never earlier than the service asked for.
            time.sleep(self._retry_after_seconds + random.uniform(0.5, 1) * pause_seconds)  # noqa: S311
            self._retry_after_seconds = 0.0
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
            yield

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            yield piece
            # The service takes bytes only as fast as it accepts rows.
            self.sent_bytes += len(piece)
            self._moved()

    def _moved(self) -> None:
        self._moved_at, self.trouble = time.monotonic(), ""
        self._on_progress()


def _why(answer: Answer, segment: Segment) -> str:
    errors = (answer.document.get("data") or {}).get("errors") or [{}]
    line = errors[0].get("line")
    if isinstance(line, int):
        # The service counts the lines of this call, which may be a stretch of a stream.
        what = message_of(answer.document).removeprefix(f"line {line} ")
        return f"line {segment.number_of(line):,} {what}"
    if answer.error == "payload_too_large":
        return "it is larger than the service takes in one batch: cut it into several files"
    return message_of(answer.document) or answer.error
