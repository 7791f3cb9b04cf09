"""What signals do that are for people: show where a process is, without any value, and stop it in order."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

_STOP_TOO: Final = (signal.SIGHUP, signal.SIGQUIT)
"""A terminal that was closed, and Ctrl-backslash: by default they end a process where it stands."""


def show_places_on_signals() -> None:
    """On SIGUSR1, and before dying of a fault, write each thread's places in code to standard error.

    C code does that, also while Python is stuck. SIGUSR2, which would end the process, does nothing.
    """
    faulthandler.enable(file=sys.stderr, all_threads=True)
    faulthandler.register(signal.SIGUSR1, file=sys.stderr, all_threads=True, chain=False)
    if threading.current_thread() is threading.main_thread():
        # Not SIG_IGN, which processes that are started would inherit.
        signal.signal(signal.SIGUSR2, _do_nothing)


def stop_in_order_on_signals() -> None:
    """Let SIGHUP and SIGQUIT do what SIGTERM does; a SIGHUP that is ignored (nohup) stays so."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in _STOP_TOO:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    pass


def _stop(_number: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
