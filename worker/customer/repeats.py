"""Whether repeats of taken emails have been seen lately."""

from __future__ import annotations

import threading
from typing import Final

LOOK_AHEAD: Final = 64
"""For how many signups after a repeat the emails are looked up before the passwords are hashed.

A look-up costs a group of up to eight signups one round trip, a fiftieth of one hash. It pays off from about one
repeat in a hundred signups.
"""


class Repeats:
    """Remembers the last signup that turned out to repeat a taken email. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 0

    def are_likely(self, signups: int) -> bool:
        """Whether it pays to look up the emails of so many new signups. They are counted as seen."""
        with self._lock:
            likely = self._left > 0
            self._left = max(0, self._left - signups)
        return likely

    def saw_one(self) -> None:
        """Remember that a signup repeated a taken email."""
        with self._lock:
            self._left = LOOK_AHEAD
