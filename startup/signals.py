"""What a process does on the signals that people send: show where it is, without any value, or stop in order."""

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
"""Signals that stop a process in order, as SIGTERM does. By default they end it where it stands.

A closed terminal sends SIGHUP, and Ctrl-backslash sends SIGQUIT.
"""


def show_places_on_signals() -> None:
    """On SIGUSR1, and before a fatal fault ends the process, write each thread's places in code to standard error.

    C code writes them, so that it works while Python is stuck. SIGUSR2 does nothing from then on. By default it would
    end the process.
    """
    faulthandler.enable(file=sys.stderr, all_threads=True)
    faulthandler.register(signal.SIGUSR1, file=sys.stderr, all_threads=True, chain=False)
    if threading.current_thread() is threading.main_thread():
        # Not SIG_IGN: processes that this one starts would inherit it.
        signal.signal(signal.SIGUSR2, _do_nothing)


def stop_in_order_on_signals() -> None:
    """Let SIGHUP and SIGQUIT do what SIGTERM does. A signal that is ignored stays ignored, as SIGHUP is under nohup."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in _STOP_TOO:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    pass


def _stop(_number: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
