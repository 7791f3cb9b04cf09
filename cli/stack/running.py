"""Tells which local stack runs in a data directory, and ends what a killed one left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Final

from local_stack.secret_files import make_private_directory
from local_stack.state_file import ProcessIdentity, StackState, read_state, remove_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_POLL_SECONDS: Final = 0.1
"""How often processes are looked at while they end."""

_CLEAN_SECONDS: Final = 10.0
"""How long a process that was left behind may take to end after SIGTERM, and again after SIGKILL."""


class AlreadyRunningError(RuntimeError):
    """Another `up` uses the data directory. `pid` is its process id, or None before it has written that down."""

    def __init__(self, pid: int | None) -> None:
        super().__init__("already running" if pid is None else f"already running as process {pid}")
        self.pid = pid


@contextlib.contextmanager
def holding(directory: Path) -> Iterator[None]:
    """Lock the data directory for one `up`.

    The kernel drops the lock when the process ends, so that it is never stale as a pid file can be. Children do not
    inherit it.

    Raises:
        AlreadyRunningError: another `up` has the lock.
    """
    make_private_directory(directory)
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            state = read_state(directory)
            raise AlreadyRunningError(state.supervisor.pid if state is not None else None) from None
        yield
    finally:
        os.close(descriptor)


def clean_up(directory: Path) -> list[str]:
    """End the processes that a killed `up` left running, and return their names.

    Call this inside `holding`. A process gets a signal only if both its id and its start time were written down.
    """
    state = read_state(directory)
    if state is None:
        return []
    left = living(state)
    _signal(left.values(), signal.SIGTERM)
    if not wait_for_end(left.values(), _CLEAN_SECONDS):
        _signal(left.values(), signal.SIGKILL)
        wait_for_end(left.values(), _CLEAN_SECONDS)
    remove_state(directory)
    return list(left)


def living(state: StackState) -> dict[str, ProcessIdentity]:
    """The components of this state that still run."""
    return {name: each for name, each in state.components.items() if each.alive}


def wait_for_end(processes: Iterable[ProcessIdentity], timeout: float) -> bool:
    """Wait until none of the processes runs. Returns False where one still does after `timeout` seconds."""
    pause = threading.Event()
    deadline = time.monotonic() + timeout
    watched = list(processes)
    while any(each.alive for each in watched):
        if time.monotonic() > deadline:
            return False
        pause.wait(_POLL_SECONDS)
    return True


def _signal(processes: Iterable[ProcessIdentity], number: signal.Signals) -> None:
    for each in processes:
        with contextlib.suppress(ProcessLookupError):
            if each.alive:
                os.kill(each.pid, number)
