"""Which local stack runs in a data directory, and ending what is left of one."""

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
_CLEAN_SECONDS: Final = 10.0


class AlreadyRunningError(RuntimeError):
    """Another `up` holds the data directory; `pid` is None while it has not written it down yet."""

    def __init__(self, pid: int | None) -> None:
        super().__init__("already running" if pid is None else f"already running as process {pid}")
        self.pid = pid


@contextlib.contextmanager
def holding(directory: Path) -> Iterator[None]:
    """Hold the data directory for one `up`.

    A lock rather than a pid file: the kernel drops it with the process, so that it is never stale. Children do not
    inherit it.

    Raises:
        AlreadyRunningError: another holds it.
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
    """End what a killed `up` may have left running; returns the names of what was found.

    Only for who holds the directory. A process is signalled only if it is the very one that was written down.
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
    """The components that still run."""
    return {name: each for name, each in state.components.items() if each.alive}


def wait_for_end(processes: Iterable[ProcessIdentity], timeout: float) -> bool:
    """Wait until none of them runs; whether that came about in time."""
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
