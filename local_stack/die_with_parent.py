"""Becomes the command it is given, after asking the kernel for SIGKILL when its parent ends.

Run as `die_with_parent.py PARENT_PID COMMAND...`. A script of its own rather than a function between fork and exec:
Python code there can deadlock in a parent with threads (and Python 3.12 warns of it). The process id stays the same,
and the request survives exec.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Ask, look whether the parent is still there, become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        pass  # another C library: the command runs all the same, and an orderly stop still ends it
    else:
        if os.getppid() != parent:  # it ended before we asked
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the caller's fixed command


if __name__ == "__main__":
    main()
