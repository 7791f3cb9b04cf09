"""Waits inside a task for Redis or MongoDB to come back. Order is kept, no start is used up, and the queue fills."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from worker.dependencies.errors import GiveBackError, MisconfiguredError, TransientError, UnexplainedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from worker.dependencies.gate import Gate
    from worker.metrics import WorkerMetrics

_FIRST_WAIT_SECONDS: Final = 0.05
"""Wait before the second try of a call. The waits double from there."""

_LONGEST_WAIT_SECONDS: Final = 2.0
"""Longest wait between two tries."""

_LOG_EVERY_SECONDS: Final = 10.0
"""Between two log lines about one call."""

_UNEXPLAINED_TRIES: Final = 3
"""How often a call is tried that is refused with an error that is in no table."""

Result = TypeVar("Result")

log = structlog.get_logger("worker.patience")


class Patience:
    """Repeats a call with jittered backoff until it works, or until the task should be given back. Thread-safe.

    While Redis is away no task can be given back, so the task waits here. While the database is away other workers may
    still reach it: after `hold_seconds` the gate is closed and the task is given back.
    """

    def __init__(
        self, stopping: threading.Event, metrics: WorkerMetrics, *, gate: Gate | None = None, hold_seconds: float = 10.0
    ) -> None:
        self._stopping = stopping
        self._metrics = metrics
        self._gate = gate
        self._hold_seconds = hold_seconds

    def check(self) -> None:
        """Return if tasks can be worked on.

        Raises:
            GiveBackError: the database is known to be out of reach, or to refuse everything.
        """
        if self._gate is not None and not self._gate.is_open:
            raise GiveBackError

    def until_done(self, call: Callable[[], Result]) -> Result:
        """Return the call's result, after repeating the call for as long as its dependency is away.

        Raises:
            GiveBackError: the worker stops, or the database has been away for too long, or refuses everything.
            UnexplainedError: the last of a few tries was refused with an error that is in no table.
        """
        wait = _FIRST_WAIT_SECONDS
        since = time.monotonic()
        next_line_at = 0.0
        unexplained = 0
        while True:
            try:
                return call()
            except TransientError as error:
                self._metrics.dependency_failed(error.dependency)
                if error.code:
                    self._metrics.dependency_refused(error.dependency, error.code)
                if time.monotonic() >= next_line_at:
                    code = {"code": error.code} if error.code else {}
                    log.warning("dependency_away", dependency=error.dependency, **code, exc_info=error)
                    next_line_at = time.monotonic() + _LOG_EVERY_SECONDS
                self._give_up_if_pointless(error, held_seconds=time.monotonic() - since)
            except MisconfiguredError as error:
                self._metrics.dependency_refused(error.dependency, error.code)
                if self._gate is not None:
                    self._gate.close(error)
                raise GiveBackError from error
            except UnexplainedError as error:
                self._metrics.dependency_refused(error.dependency, error.code)
                unexplained += 1
                if unexplained == _UNEXPLAINED_TRIES:
                    log.warning("refused_unexplained", dependency=error.dependency, code=error.code)
                    raise
            # Full jitter: workers that were cut off together must not come back together.
            if self._stopping.wait(random.uniform(wait / 2, wait)):  # noqa: S311 - not a secret
                raise GiveBackError
            wait = min(_LONGEST_WAIT_SECONDS, 2 * wait)

    def _give_up_if_pointless(self, error: TransientError, *, held_seconds: float) -> None:
        gate = self._gate
        if gate is None or error.dependency != gate.dependency:
            return
        if gate.is_open and held_seconds < self._hold_seconds:
            return
        gate.close(error)
        raise GiveBackError from error
