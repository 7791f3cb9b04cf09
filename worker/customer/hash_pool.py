"""The threads that hash passwords. Hashes of signups are made before hashes of rows of batches."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


class _Job(Generic[Result]):
    """One hash that is to be made."""

    __slots__ = ("future", "make")

    def __init__(self, make: Callable[[], Result]) -> None:
        self.make = make
        self.future: Future[Result] = Future()

    def run(self) -> None:
        """Make it, unless nobody waits for it any more."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.make()
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class HashPool:
    """Makes hashes in threads of its own, the urgent ones first. Thread-safe. The threads end with the process."""

    def __init__(self, threads: int) -> None:
        self._changed = threading.Condition()
        self._urgent: deque[_Job[object]] = deque()
        self._patient: deque[_Job[object]] = deque()
        for number in range(threads):
            threading.Thread(target=self._work, name=f"hash_{number}", daemon=True).start()

    def submit(self, make: Callable[[], Result], *, urgent: bool) -> Future[Result]:
        """Call `make` in a thread as soon as one is free and no hash that goes before it waits."""
        job = _Job(make)
        with self._changed:
            (self._urgent if urgent else self._patient).append(job)  # type: ignore[arg-type] # a queue of any results
            self._changed.notify()
        return job.future

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._urgent or self._patient)
                job = (self._urgent or self._patient).popleft()
            job.run()
            del job
