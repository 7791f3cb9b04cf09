"""Waits for a condition, and stops waiting where a process that could bring it about has ended."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local_stack.process import ManagedProcess

_PAUSE: Final = threading.Event()
"""Never set: waiting for it is a pause."""

_POLL_SECONDS: Final = 0.02
"""How often the condition is looked at."""


def wait_while(waiting: Callable[[], object], processes: Iterable[ManagedProcess], *, seconds: float = 60) -> None:
    """Return once `waiting` is false.

    Raises:
        RuntimeError: one of the processes ended.
        TimeoutError: it took longer than `seconds`.
    """
    watched = list(processes)
    deadline = time.monotonic() + seconds
    while waiting():
        for each in watched:
            if not each.alive:
                raise RuntimeError(f"{each.name} ended:\n{each.log_tail(10)}")
        if time.monotonic() > deadline:
            tails = "\n".join(f"{each.name}: {each.log_tail(3)}" for each in watched)
            raise TimeoutError(f"not within {seconds:g} s\n{tails}")
        _PAUSE.wait(_POLL_SECONDS)
