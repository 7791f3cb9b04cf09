"""Keeps the memory of a process out of files and away from other processes. It holds passwords and keys."""

from __future__ import annotations

import ctypes
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4
"""The number of prctl(2) for whether a process may be dumped."""


def keep_memory_private() -> None:
    """Prevent core dumps, to a file and to a program that the kernel starts for them.

    On Linux, debuggers of the same user cannot attach either. Those of root can.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    if sys.platform == "linux":
        try:
            # The limit does not apply where core dumps are piped to a program: core(5).
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        except (OSError, AttributeError):
            return  # another C library has no prctl: the limit is all there is
