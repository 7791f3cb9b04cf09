"""Waiting for a condition with a deadline."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_POLL_SECONDS: Final = 0.05

PATIENCE: Final = 3
"""A machine that others use too may take so many times longer than what a test allows.

A deadline ends a wait that is in vain; nothing is told by how long a wait took.
"""


def wait_until(condition: Callable[[], object], *, timeout: float = 10, what: str = "the condition") -> None:
    """Return as soon as the condition holds. Fail the test where it does not in `PATIENCE` times `timeout` seconds."""
    pause = threading.Event()
    deadline = time.monotonic() + PATIENCE * timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"within {PATIENCE * timeout:g} s it did not come to pass that {what}")
        pause.wait(_POLL_SECONDS)
