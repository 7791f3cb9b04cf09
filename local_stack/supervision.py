"""Watching over the processes that were started: a dead one is named and started again, within bounds."""

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
_LOG_LINES: Final = 20

MAXIMUM_RESTARTS: Final = 5
RESTART_WINDOW_SECONDS: Final = 60.0


class GaveUpError(RuntimeError):
    """A process ended again and again; the message holds the end of its log."""


def supervise(
    processes: Sequence[ManagedProcess],
    *,
    stopping: threading.Event,
    tell: Callable[[str], None],
    restarted: Callable[[], None],
) -> None:
    """Watch until `stopping` is set; `restarted` is called after each restart.

    A process is started again without waiting until it is ready: each part bears with the absence of the others.

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
