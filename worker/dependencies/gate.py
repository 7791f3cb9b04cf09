"""Whether this worker takes tasks. It does so only while it can use a dependency; other workers get them otherwise."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Final

import structlog

from startup.seldom import Seldom
from worker.dependencies.errors import MisconfiguredError, RefusedError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.metrics import WorkerMetrics

_FIRST_GAP_SECONDS: Final = 0.5
"""Time between the first two probes. The gaps grow from there."""

_LONGEST_GAP_SECONDS: Final = 5.0
"""Longest time between two probes of a dependency that is away. A probe costs little, and every second counts."""

_LONGEST_GAP_REFUSED_SECONDS: Final = 60.0
"""Longest time between two probes of a dependency that refuses, until a person mends it."""

_LOG_EVERY_SECONDS: Final = 10.0
"""Between two log lines about a dependency that stays away."""

log = structlog.get_logger("worker.gate")


class Gate:
    """Open while a dependency can be used. Thread-safe.

    It starts closed and opens when a probe works. A caller whose call to the dependency fails closes it and gives its
    tasks back. One thread, in `keep`, opens it again.
    """

    def __init__(
        self,
        dependency: str,
        probe: Callable[[], object],
        *,
        metrics: WorkerMetrics,
        question: Callable[[], object] | None = None,
    ) -> None:
        """Nothing is asked yet.

        Args:
            dependency: its name.
            probe: raises the errors that `Patience.until_done` handles if `dependency` cannot be used.
            metrics: counts what fails.
            question: raises the same errors, and is soon done, whatever the dependency does: see `listen`.
        """
        self.dependency = dependency
        self._probe = probe
        self._question = question or probe
        self._metrics = metrics
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._closed.set()
        self._closed_at: float | None = None
        self._unanswered_since: float | None = None
        self._refused = False
        self._refusal: str | None = None
        self._longest_gap = _LONGEST_GAP_SECONDS
        self._seldom = Seldom()
        self._gap = _FIRST_GAP_SECONDS
        self._opened_at = float("-inf")
        metrics.taking_tasks(dependency, False)

    @property
    def is_open(self) -> bool:
        """Whether the dependency can be used, as far as is known."""
        return not self._closed.is_set()

    @property
    def away_since_milliseconds(self) -> int | None:
        """Since when the dependency cannot be used, in Unix milliseconds; None where it can, or was not asked yet."""
        with self._lock:
            since = self._closed_at if self._closed.is_set() else self._unanswered_since
        return None if since is None else int(1000 * since)

    @property
    def refusal(self) -> str | None:
        """Why the dependency refuses, and what to mend, in words. None where it does not, or does not answer."""
        return self._refusal if self._closed.is_set() else None

    @property
    def is_refused(self) -> bool:
        """Whether it is closed because of something that an operator must mend."""
        return self._closed.is_set() and self._refused

    def close(self, error: TransientError | MisconfiguredError) -> None:
        """Take no more tasks until a probe has worked."""
        with self._lock:
            if self._closed.is_set():
                return
            self._note(error)
            if time.monotonic() - self._opened_at > _LONGEST_GAP_REFUSED_SECONDS:
                self._gap = _FIRST_GAP_SECONDS
            else:
                # The probe works and the work does not, since no probe inserts. Each round costs a group its hashes.
                self._gap = min(self._longest_gap, 2 * self._gap)
            self._closed_at = self._unanswered_since or time.time()
            self._closed.set()
        self._metrics.taking_tasks(self.dependency, False)
        log.warning("taking_stopped", dependency=self.dependency, refused=self._refused)
        if isinstance(error, MisconfiguredError):
            self._log_refusal(error)

    def keep(self, stopping: threading.Event) -> None:
        """Open the gate again each time that it was closed, until `stopping` is set. Runs in a thread of its own."""
        while not stopping.is_set():
            self._closed.wait()
            with self._lock:
                gap = min(self._gap, self._longest_gap)
            stopping.wait(random.uniform(gap / 2, gap))  # noqa: S311 - not a secret
            self.open_when_usable(stopping)

    def recheck(self) -> None:
        """Probe once, and close the gate if that fails. To be called now and then."""
        error = self._try(self._probe) if self.is_open else None
        if isinstance(error, TransientError | MisconfiguredError):
            self.close(error)

    def listen(self) -> None:
        """Ask the question, and note since when it has no answer. To be called now and then.

        So a worker that has nothing to do, or whose calls all hang, knows and tells that its dependency is silent.
        The gate stays open: whether a task can wait longer is for `Patience` to say. A refusal closes it.
        """
        asked_at = time.time()
        error = self._try(self._question) if self.is_open else None
        if isinstance(error, MisconfiguredError):
            self.close(error)
        if not isinstance(error, TransientError):
            self._unanswered_since = None
            return
        with self._lock:
            self._unanswered_since = self._unanswered_since or asked_at
        self._metrics.dependency_failed(self.dependency)
        if self._seldom.is_due("unanswered"):
            log.warning("dependency_away", dependency=self.dependency, exc_info=error)

    def open_when_usable(self, stopping: threading.Event) -> None:
        """Probe with growing gaps until a probe works or `stopping` is set."""
        began = time.monotonic()
        asked_at = time.time()
        next_line_at = 0.0
        while not stopping.is_set():
            error = self._try(self._probe)
            if error is None:
                self._open(time.monotonic() - began)
                return
            if isinstance(error, TransientError):
                self._metrics.dependency_failed(self.dependency)
                if time.monotonic() >= next_line_at:
                    log.warning("dependency_away", dependency=self.dependency, exc_info=error)
                    next_line_at = time.monotonic() + _LOG_EVERY_SECONDS
            else:
                code = error.code if isinstance(error, RefusedError) else type(error).__name__
                self._metrics.dependency_refused(self.dependency, code)
                self._log_refusal(error)
            with self._lock:
                self._note(error)
                self._closed_at = self._closed_at or asked_at
                gap = self._gap = min(self._longest_gap, 2 * self._gap)
            # Jitter: workers that were cut off together must not come back together.
            stopping.wait(random.uniform(gap / 2, gap))  # noqa: S311 - not a secret

    def _try(self, ask: Callable[[], object]) -> Exception | None:
        try:
            ask()
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker goes on probing, and tells of it
            return error
        return None

    def _note(self, error: Exception) -> None:
        self._refused = not isinstance(error, TransientError)
        self._refusal = _words_of(error) if self._refused else None
        self._longest_gap = _longest_gap(error)

    def _open(self, seconds: float) -> None:
        with self._lock:
            self._opened_at = time.monotonic()
            self._refused = False
            self._unanswered_since = None
            self._closed.clear()
        self._metrics.taking_tasks(self.dependency, True)
        log.info("taking_tasks", dependency=self.dependency, after_seconds=round(seconds, 1))

    def _log_refusal(self, error: Exception) -> None:
        if isinstance(error, RefusedError):
            if self._seldom.is_due(error.code):
                log.error(
                    "dependency_refuses",
                    dependency=error.dependency,
                    code=error.code,
                    concerns=error.concerns,
                    advice=error.advice,
                )
        else:
            log.error("dependency_refuses", dependency=self.dependency, code=type(error).__name__, exc_info=error)


def _words_of(error: Exception) -> str:
    if not isinstance(error, RefusedError):
        return type(error).__name__
    concerns = f" ({error.concerns})" if error.concerns else ""
    return f"{error.code}{concerns}: {error.advice}" if error.advice else f"{error.code}{concerns}"


def _longest_gap(error: Exception) -> float:
    passes = isinstance(error, TransientError) or (isinstance(error, RefusedError) and error.may_pass)
    return _LONGEST_GAP_SECONDS if passes else _LONGEST_GAP_REFUSED_SECONDS
