"""How soon a worker tries a dependency again that failed it."""

from __future__ import annotations

import threading

import pytest

from worker.dependencies.errors import MisconfiguredError, TransientError
from worker.dependencies.gate import Gate
from worker.metrics import WorkerMetrics


class Waits(threading.Event):
    """Notes how long it was to be waited for, and has nobody wait."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0.0)
        return self.is_set()


class WorkFails(WorkerMetrics):
    """Closes the gate each time that it was opened, as the first task does whose insert is refused."""

    gate: Gate
    stopping: Waits

    def __init__(self, error: TransientError | MisconfiguredError, *, times: int) -> None:
        super().__init__()
        self._error = error
        self._left = times

    def taking_tasks(self, dependency: str, taking: bool) -> None:
        super().taking_tasks(dependency, taking)
        if taking:
            self._left -= 1
            if not self._left:
                self.stopping.set()
            self.gate.close(self._error)


@pytest.mark.parametrize(
    ("error", "longest"),
    [
        (MisconfiguredError("database", code="Unauthorized"), 60.0),
        (TransientError("database"), 5.0),
    ],
    ids=["refused", "away"],
)
def test_gaps_grow_while_the_probe_works_and_the_work_does_not(
    error: TransientError | MisconfiguredError, longest: float
) -> None:
    """A user without the right to insert can be told only by an insert, which costs a group its hashes each time."""
    metrics = WorkFails(error, times=12)
    gate = metrics.gate = Gate("database", lambda: None, metrics=metrics)
    stopping = metrics.stopping = Waits()

    gate.close(error)
    gate.keep(stopping)

    first, last = stopping.seconds[0], stopping.seconds[-1]
    assert len(stopping.seconds) == 12
    assert first <= 1.0
    assert longest / 2 <= last <= longest
