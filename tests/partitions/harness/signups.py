"""Clients that go on signing up while a test does harm, and what a test can wait for."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from tests.faults.harness.history import Client
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.harness.history import Submission
    from tests.partitions.harness.site import Trial

_CLIENTS: Final = 4
_PAUSE_SECONDS: Final = 0.05
_LONGEST_SECONDS: Final = 300
_CONNECT_SECONDS: Final = 1.0
"""After so long a client takes a machine for dead, and calls the other shim."""


class Signups:
    """A load that lasts until it is ended. Each client waits for its outcomes."""

    def __init__(self, trial: Trial, *, follow: bool, clients: int, pause: float) -> None:
        self.client = Client(trial, name=trial.name, connect_seconds=_CONNECT_SECONDS)
        self.client.load(seconds=_LONGEST_SECONDS, threads=clients, pause=pause, follow=follow)

    def wait_for_promises(self, count: int = 20, *, seconds: float = 45) -> None:
        """Wait for so many more 202s."""
        wanted = self._promises() + count
        wait_until(lambda: self._promises() >= wanted, timeout=seconds, what=f"{count} more signups are accepted")

    def accept_one_more(self) -> None:
        """Have one more signup accepted, beside the clients: all of them may wait for outcomes that do not come."""
        assert self.client.submit().accepted

    def wait_for_outcomes(self, count: int = 20, *, seconds: float = 45) -> None:
        """Wait until so many more clients have their outcomes."""
        wanted = self._outcomes() + count
        wait_until(lambda: self._outcomes() >= wanted, timeout=seconds, what=f"{count} more signups have outcomes")

    def wait_for_refusals(self, count: int = 1, *, seconds: float = 45) -> None:
        """Wait until so many more calls failed."""
        wanted = self._refusals() + count
        wait_until(lambda: self._refusals() >= wanted, timeout=seconds, what=f"{count} more calls fail")

    def _promises(self) -> int:
        return sum(each.accepted for each in self._history())

    def _outcomes(self) -> int:
        return sum(each.ended_at is not None for each in self._history())

    def _refusals(self) -> int:
        return sum(each.attempts - each.accepted + each.failed_reads for each in self._history())

    def _history(self) -> tuple[Submission, ...]:
        return tuple(self.client.history)


@contextlib.contextmanager
def signups(
    trial: Trial, *, follow: bool = True, clients: int = _CLIENTS, pause: float = _PAUSE_SECONDS
) -> Iterator[Signups]:
    """A load that runs well when the test begins to do harm, and that ends well again."""
    load = Signups(trial, follow=follow, clients=clients, pause=pause)
    load.wait_for_promises()
    yield load
    trial.site.mend()
    load.wait_for_outcomes() if follow else load.wait_for_promises()
    load.client.end_load()
