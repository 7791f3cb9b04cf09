"""Waits until a process that was started is ready, and stops waiting where it has ended."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from local_stack.endings import how_it_ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_stack.process import ManagedProcess

TELL_SECONDS: Final = 5.0
"""How often a process that takes long is reported to the user."""

_POLL_SECONDS: Final = 0.05
"""How often the process is asked."""

_LOG_LINES: Final = 15
"""How much of its log an error shows."""


class NotReadyError(RuntimeError):
    """A process ended, or did not get ready in time. The message holds the end of its log."""


class StopRequestedError(Exception):
    """The user asked to stop while a process was being started."""


@dataclass(frozen=True, slots=True)
class Busy:
    """The process is not ready, but says what it is doing. It is waited for however long that takes."""

    what: str


def wait_until_ready(
    process: ManagedProcess,
    ready: Callable[[], bool | Busy],
    *,
    timeout: float,
    stopping: threading.Event | None = None,
    tell: Callable[[str], None] | None = None,
) -> None:
    """Poll `ready` until it returns True. Reports to `tell` every few seconds what a busy process is doing.

    Raises:
        NotReadyError: the process ended, or was neither ready nor busy for `timeout` seconds.
        StopRequestedError: `stopping` was set.
    """
    pause = stopping or threading.Event()
    told_at = time.monotonic()
    deadline = told_at + timeout
    while (state := ready()) is not True:
        if not process.alive:
            raise NotReadyError(_report(process, f"ended at its start ({_how(process)})"))
        now = time.monotonic()
        if isinstance(state, Busy):
            deadline = now + timeout
            if tell is not None and now - told_at >= TELL_SECONDS:
                told_at = now
                tell(f"{process.name} {state.what}")
        elif now > deadline:
            raise NotReadyError(_report(process, f"was not ready after {timeout:g} seconds"))
        if pause.wait(_POLL_SECONDS):
            raise StopRequestedError


def _how(process: ManagedProcess) -> str:
    return how_it_ended(process.name, process.exit_code)


def _report(process: ManagedProcess, what: str) -> str:
    if process.exit_code == -signal.SIGILL:
        return f"{process.name} {what}"  # it ended before it could log anything
    tail = process.log_tail(_LOG_LINES)
    return f"{process.name} {what}. The end of {process.log_path}:\n{tail}"
