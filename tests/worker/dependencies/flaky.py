"""A dependency that is away for a while."""

from __future__ import annotations

from worker.dependencies.errors import TransientError


class Flaky:
    """A call that fails a number of times and then answers."""

    def __init__(self, failures: float, *, dependency: str = "broker") -> None:
        self.failures = failures
        self.dependency = dependency
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise TransientError(self.dependency)
        return "done"
