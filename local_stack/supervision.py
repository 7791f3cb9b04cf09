"""Watches over processes: reports one that has ended and starts it again, a limited number of times."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

from local_stack.endings import how_it_ended

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from local_stack.process import ManagedProcess

_POLL_SECONDS: Final = 0.3
"""How often the processes are looked at."""

_LOG_LINES: Final = 20
"""How much of a log an error shows."""

MAXIMUM_RESTARTS: Final = 5
"""How often one process is started again within RESTART_WINDOW_SECONDS."""

RESTART_WINDOW_SECONDS: Final = 60.0
"""Restarts that are longer ago do not count."""


class GaveUpError(RuntimeError):
    """A process ended again and again. The message holds the end of its log."""


def supervise(
    processes: Sequence[ManagedProcess],
    *,
    stopping: threading.Event,
    tell: Callable[[str], None],
    restarted: Callable[[], None],
) -> None:
    """Watch until `stopping` is set. Calls `restarted` after each restart.

    Nobody waits until a restarted process is ready, since each part of the service copes with the absence of another.

    Raises:
        GaveUpError: one ended more than MAXIMUM_RESTARTS times in RESTART_WINDOW_SECONDS.
    """
    restarts: dict[str, deque[float]] = {each.name: deque() for each in processes}
    while not stopping.wait(_POLL_SECONDS):
        for process in processes:
            if process.alive or stopping.is_set():
                continue
            what = f"{process.name} ended ({how_it_ended(process.name, process.exit_code)})"
            times = restarts[process.name]
            now = time.monotonic()
            while times and now - times[0] > RESTART_WINDOW_SECONDS:
                times.popleft()
            if len(times) >= MAXIMUM_RESTARTS:
                raise GaveUpError(
                    f"{what}, {MAXIMUM_RESTARTS} restarts within {RESTART_WINDOW_SECONDS:g} seconds did not help. "
                    f"The end of {process.log_path}:\n{process.log_tail(_LOG_LINES)}"
                )
            times.append(now)
            process.start()
            tell(f"{what}; started again as process {process.pid}")
            restarted()
