"""Waiting for a condition while processes run that could end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local_stack.process import ManagedProcess

_PAUSE = threading.Event()
_POLL_SECONDS = 0.02


def wait_while(waiting: Callable[[], object], processes: Iterable[ManagedProcess], *, seconds: float = 60) -> None:
    """Return when there is no more to wait for.

    Raises:
        RuntimeError: one of the processes ended meanwhile.
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
