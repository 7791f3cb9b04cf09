"""Whether repeats of taken emails have been seen lately."""

from __future__ import annotations

import threading
from typing import Final

LOOK_AHEAD: Final = 64
"""For so many signups after a repeat the emails are looked up before their passwords are hashed.

A look-up costs a group of up to eight one round trip, a fiftieth of one hash: it pays from one repeat in some hundred.
"""


class Repeats:
    """Remembers the last signup that turned out to repeat a taken email. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 0

    def are_likely(self, signups: int) -> bool:
        """Whether it pays to look up the emails of these signups, which count as seen from now on."""
        with self._lock:
            likely = self._left > 0
            self._left = max(0, self._left - signups)
        return likely

    def saw_one(self) -> None:
        """A signup repeated a taken email."""
        with self._lock:
            self._left = LOOK_AHEAD
