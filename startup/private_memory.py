"""Keeps what is in the memory of a process, passwords and keys among it, out of files and from other processes."""

from __future__ import annotations

import ctypes
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def keep_memory_private() -> None:
    """Have no core dump written, neither to a file nor by a program that the kernel starts for it.

    On Linux no debugger of the same user gets in either; root's does.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    if sys.platform == "linux":
        try:
            # The limit does not hold where core dumps are piped to a program (core(5)).
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        except (OSError, AttributeError):
            return  # another C library: the limit is what there is
