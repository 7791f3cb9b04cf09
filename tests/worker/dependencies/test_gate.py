"""How soon a worker tries a dependency again that has failed."""

from __future__ import annotations

import threading

import pytest

from worker.dependencies.errors import MisconfiguredError, TransientError
from worker.dependencies.gate import Gate
from worker.metrics import WorkerMetrics


class Waits(threading.Event):
    """Notes the waits that were asked for, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0.0)
        return self.is_set()


class WorkFails(WorkerMetrics):
    """Closes the gate whenever it is opened, as a task does whose insert is refused."""

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
def test_gaps_grow_while_the_probe_succeeds_and_the_work_fails(
    error: TransientError | MisconfiguredError, longest: float
) -> None:
    """Only an insert shows that a user lacks the right to insert, and each try costs the hashes of a group."""
    metrics = WorkFails(error, times=12)
    gate = metrics.gate = Gate("database", lambda: None, metrics=metrics)
    stopping = metrics.stopping = Waits()

    gate.close(error)
    gate.keep(stopping)

    first, last = stopping.seconds[0], stopping.seconds[-1]
    assert len(stopping.seconds) == 12
    assert first <= 1.0
    assert longest / 2 <= last <= longest
