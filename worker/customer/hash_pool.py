"""The threads that hash passwords: some for signups, and as many for rows of batches, which leave the cores to others.

The system's scheduler decides which thread runs. A hash of a signup need not wait until a hash of a row has ended, and
neither need the shim, Redis or MongoDB where they share the machine.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

Result = TypeVar("Result")

PATIENT_NICENESS: Final = 15
"""How much nicer than this process the threads for rows are, see setpriority(2).

Beside a busy thread of ordinary niceness such a thread gets about 4 % of a core. Alone it gets all of it.
"""


LONGEST_PAUSE_SECONDS: Final = 0.05
"""For how long a hash of a row waits for signups that are worked on. So rows go on beside any number of signups."""


class HashPool:
    """Makes hashes in threads of its own. Thread-safe."""

    def __init__(self, threads: int) -> None:
        """So many urgent hashes run at a time, and as many others where these leave them a core."""
        self._changed = threading.Condition()
        self._signups = 0
        self._urgent = ThreadPoolExecutor(threads, thread_name_prefix="hash")
        self._patient = ThreadPoolExecutor(threads, thread_name_prefix="row_hash", initializer=_give_way)

    def submit(self, make: Callable[[], Result], *, urgent: bool) -> Future[Result]:
        """Call `make` in a thread, in the order of the calls. A hash that is not urgent never keeps an urgent one."""
        return self._urgent.submit(make) if urgent else self._patient.submit(self._make_when_calm, make)

    @contextmanager
    def beside_signups(self) -> Iterator[None]:
        """While this block runs, hashes that are not urgent begin late.

        A signup passes through several processes. Each would have to wait for its turn where every core hashes rows:
        the scheduler knows how patient this process' threads are only beside other threads of this process.
        """
        with self._changed:
            self._signups += 1
        try:
            yield
        finally:
            with self._changed:
                self._signups -= 1
                if not self._signups:
                    self._changed.notify_all()

    def _make_when_calm(self, make: Callable[[], Result]) -> Result:
        with self._changed:
            self._changed.wait_for(lambda: not self._signups, timeout=LONGEST_PAUSE_SECONDS)
        return make()


def _give_way() -> None:
    """Let this thread run only on what threads of ordinary niceness leave. On Linux each thread has its own."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        # A sandbox may forbid it. Then rows and signups share the cores alike. An error here would end the pool.
        with suppress(OSError):
            own = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, min(19, own + PATIENT_NICENESS))
