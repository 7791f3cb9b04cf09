"""The threads that hash passwords: some for signups, and as many for rows of batches, which leave the cores to others.

The system's scheduler decides which thread runs. A hash of a signup need not wait until a hash of a row has ended, and
neither need the shim, Redis or MongoDB where they share the machine.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

Result = TypeVar("Result")

PATIENT_NICENESS: Final = 15
"""How much nicer than this process the threads for rows are, see setpriority(2).

Beside a busy thread of ordinary niceness such a thread gets about 4 % of a core. Alone it gets all of it.
"""


class HashPool:
    """Makes hashes in threads of its own. Thread-safe."""

    def __init__(self, threads: int) -> None:
        """So many urgent hashes run at a time, and as many others where these leave them a core."""
        self._urgent = ThreadPoolExecutor(threads, thread_name_prefix="hash")
        self._patient = ThreadPoolExecutor(threads, thread_name_prefix="row_hash", initializer=_give_way)

    def submit(self, make: Callable[[], Result], *, urgent: bool) -> Future[Result]:
        """Call `make` in a thread, in the order of the calls. A hash that is not urgent never keeps an urgent one."""
        return (self._urgent if urgent else self._patient).submit(make)


def _give_way() -> None:
    """Let this thread run only on what threads of ordinary niceness leave. On Linux each thread has its own."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        # A sandbox may forbid it. Then rows and signups share the cores alike. An error here would end the pool.
        with suppress(OSError):
            own = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, min(19, own + PATIENT_NICENESS))
