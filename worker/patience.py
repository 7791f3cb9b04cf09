"""Waiting inside a task for Redis or MongoDB to come back: order is kept, no attempt is burnt, the queue fills."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from worker.metrics import WorkerMetrics

_FIRST_WAIT_SECONDS: Final = 0.05
_LONGEST_WAIT_SECONDS: Final = 2.0
_LOG_EVERY_SECONDS: Final = 10.0

Result = TypeVar("Result")

log = structlog.get_logger("worker.patience")


class TransientError(Exception):
    """A dependency did not do its part; the same call may work later. `dependency` names it; no text of a driver."""

    def __init__(self, dependency: str) -> None:
        super().__init__(dependency)
        self.dependency = dependency


class ShuttingDownError(Exception):
    """The worker stops while a dependency is away: the task is to be given back."""


class Patience:
    """Repeats a call until it works, with jittered backoff, or until the worker shuts down. Thread-safe."""

    def __init__(self, stopping: threading.Event, metrics: WorkerMetrics) -> None:
        self._stopping = stopping
        self._metrics = metrics

    def until_done(self, call: Callable[[], Result]) -> Result:
        """The call's result, however long its dependency is away.

        Raises:
            ShuttingDownError: the worker stops and the call has just failed once more.
        """
        wait = _FIRST_WAIT_SECONDS
        next_line_at = 0.0
        while True:
            try:
                result = call()
            except TransientError as error:
                self._metrics.dependency_failed(error.dependency)
                if time.monotonic() >= next_line_at:
                    log.warning("dependency_away", dependency=error.dependency, exc_info=error)
                    next_line_at = time.monotonic() + _LOG_EVERY_SECONDS
                # Full jitter: workers that were cut off together must not come back together.
                if self._stopping.wait(random.uniform(wait / 2, wait)):  # noqa: S311 - not a secret
                    raise ShuttingDownError from error
                wait = min(_LONGEST_WAIT_SECONDS, 2 * wait)
            else:
                return result
