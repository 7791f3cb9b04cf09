"""When an event that was not delivered is tried again, and when no more. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_GROWTH: Final = 3.0
"""How many times longer each pause is than the one before."""
_JITTER: Final = (0.8, 1.2)
"""By what a pause is multiplied, so that events that failed together do not come back together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """The pauses between tries."""

    first_seconds: float
    """The pause after the first try."""
    longest_seconds: float
    """The longest pause, also of those that a receiver asks for."""
    give_up_seconds: float
    """How long after the first try an event is given up."""
    jitter: Callable[[float, float], float] = field(default=random.uniform)
    """Draws a number between two others."""

    @property
    def longest_pause_seconds(self) -> float:
        """The longest pause that there is."""
        return self.longest_seconds * _JITTER[1]

    def pause_seconds(self, tries: int, *, since_first_seconds: float, asked_seconds: float | None) -> float | None:
        """How long to wait after a try that failed; None where the event is given up.

        Args:
            tries: how many there were, this one included.
            since_first_seconds: how long ago the first one was.
            asked_seconds: for how long the receiver asked to wait (`Retry-After`).
        """
        left_seconds = self.give_up_seconds - since_first_seconds
        if left_seconds <= 0:
            return None
        # Beyond some power of it the pause is the longest one anyhow, and floats have an end.
        grown_seconds: float = self.first_seconds * _GROWTH ** min(tries - 1, 40)
        pause_seconds = min(grown_seconds, self.longest_seconds) * self.jitter(*_JITTER)
        if asked_seconds is not None:
            pause_seconds = max(pause_seconds, min(asked_seconds, self.longest_seconds))
        # There is always a last try at the end.
        return min(pause_seconds, left_seconds)
