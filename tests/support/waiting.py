"""Waiting for a condition with a deadline."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_POLL_SECONDS = 0.05


def wait_until(condition: Callable[[], object], *, timeout: float = 10, what: str = "the condition") -> None:
    """Return as soon as the condition holds. Fail the test where it does not within `timeout` seconds."""
    pause = threading.Event()
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"within {timeout:g} s it did not come to pass that {what}")
        pause.wait(_POLL_SECONDS)
