"""Delays the stop after a signal. The process serves on until load balancers have noticed, and then stops listening."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def drain_on_signals(*, seconds: float, drain: Callable[[], None], end: Callable[[], None]) -> None:
    """Replace uvicorn's signal handlers by handlers that drain first.

    The first SIGTERM calls `drain` at once. `seconds` later `end` is called, and uvicorn's own handler gets the signal:
    uvicorn stops listening and waits for open requests. Further SIGTERMs change nothing, because a supervisor and the
    system may both send one. SIGINT comes from a person who waits at a terminal, so it does all of this at once.
    Outside the main thread nothing is replaced, because Python allows signal handlers there alone.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    draining = False

    def begin(number: int, previous: Any) -> None:
        nonlocal draining
        repeated, draining = draining, True
        drain()
        if number == signal.SIGINT or not seconds:
            finish(number, previous)
        elif not repeated:
            loop.call_later(seconds, finish, number, previous)

    def finish(number: int, previous: Any) -> None:
        end()
        if callable(previous):
            previous(number, None)

    for number in (signal.SIGTERM, signal.SIGINT):
        previous = signal.getsignal(number)

        def handle(number: int, _frame: Any, previous: Any = previous) -> None:
            loop.call_soon_threadsafe(begin, number, previous)

        signal.signal(number, handle)
