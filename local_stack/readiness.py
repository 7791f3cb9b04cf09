"""Waiting for a process that was started, without waiting for one that has ended."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_stack.process import ManagedProcess

_POLL_SECONDS: Final = 0.05
_LOG_LINES: Final = 15


class NotReadyError(RuntimeError):
    """A process ended or did not get ready; the message holds the end of its log."""


class StopRequestedError(Exception):
    """Somebody asked to stop while something was being started."""


def wait_until_ready(
    process: ManagedProcess,
    ready: Callable[[], bool],
    *,
    timeout: float,
    stopping: threading.Event | None = None,
) -> None:
    """Poll `ready` until it holds.

    Raises:
        NotReadyError: the process ended, or time is up.
        StopRequestedError: `stopping` was set meanwhile.
    """
    pause = stopping or threading.Event()
    deadline = time.monotonic() + timeout
    while not ready():
        if not process.alive:
            raise NotReadyError(_report(process, f"ended at its start (exit code {process.exit_code})"))
        if time.monotonic() > deadline:
            raise NotReadyError(_report(process, f"was not ready after {timeout:g} seconds"))
        if pause.wait(_POLL_SECONDS):
            raise StopRequestedError


def _report(process: ManagedProcess, what: str) -> str:
    tail = process.log_tail(_LOG_LINES)
    return f"{process.name} {what}. The end of {process.log_path}:\n{tail}"
