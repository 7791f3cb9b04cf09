"""Limits how often the same thing is logged, however often it happens."""

from __future__ import annotations

import threading
import time
from typing import Final

_EVERY_SECONDS: Final = 10.0
"""The least time between two lines about the same thing."""


class Seldom:
    """Decides whether a line is due: the first time, and then once in `every_seconds`. Thread-safe."""

    def __init__(self, *, every_seconds: float = _EVERY_SECONDS) -> None:
        self._every_seconds = every_seconds
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}

    def is_due(self, what: str) -> bool:
        """Whether to write the line now. `what` names what the line is about, and must be one of few values."""
        now = time.monotonic()
        with self._lock:
            if now < self._next.get(what, float("-inf")):
                return False
            self._next[what] = now + self._every_seconds
            return True
