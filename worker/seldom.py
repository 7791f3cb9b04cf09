"""Says the same thing seldom, however often it happens."""

from __future__ import annotations

import threading
import time
from typing import Final

_EVERY_SECONDS: Final = 10.0


class Seldom:
    """Tells whether a line about something is due: the first time, and then once in ten seconds. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}

    def is_due(self, what: str) -> bool:
        """Whether to write the line now; `what` is one of few codes."""
        now = time.monotonic()
        with self._lock:
            if now < self._next.get(what, float("-inf")):
                return False
            self._next[what] = now + _EVERY_SECONDS
            return True
