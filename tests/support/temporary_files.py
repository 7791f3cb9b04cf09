"""Where tests keep the files of their servers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - pytest makes a directory there that only its user may enter
"""Linux' file system in memory."""

_LEAST_BYTES: Final = 8 << 30
"""All tests side by side fill about a third of that."""


def root_in_memory() -> Path | None:
    """The directory in memory, where there is one with much room and its programs may run. None elsewhere.

    Redis answers nobody while it waits for the disk, since it is told to write each change through. On a disk that
    others use too that took longer than clients wait, and tests failed of it. A process that is killed loses nothing
    that it has written, on a disk or in memory, so the tests see the same there.
    """
    try:
        system = os.statvfs(_IN_MEMORY)
        memory = _available_bytes()
    except OSError:
        return None
    if system.f_flag & os.ST_NOEXEC or not os.access(_IN_MEMORY, os.W_OK):
        return None
    return _IN_MEMORY if min(system.f_bavail * system.f_frsize, memory) >= _LEAST_BYTES else None


def _available_bytes() -> int:
    """How much memory is free or would be at once. See `MemAvailable` in proc_meminfo(5).

    Raises:
        OSError: the system does not tell.
    """
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return 1024 * int(value.removesuffix("kB"))
    return 0
