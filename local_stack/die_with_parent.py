"""Asks the kernel to kill this process when its parent ends, then becomes the command that it was given.

Run as `die_with_parent.py PARENT_PID COMMAND...`. The process keeps its id, and the request survives exec. This is a
script rather than a function between fork and exec, because Python code there can deadlock in a parent with threads
(Python 3.12 warns of that).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
"""See prctl(2)."""


def main() -> None:
    """Ask the kernel, check that the parent still runs, become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        pass  # without glibc the command runs all the same, and an orderly stop still ends it
    else:
        if os.getppid() != parent:  # the parent ended before we asked
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the caller's fixed command


if __name__ == "__main__":
    main()
