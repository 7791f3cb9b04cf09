"""Sends the console's announcements, and logs where Redis takes none.

They are the console's only writes that nobody asks for. So they show whether Redis takes writes at all.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from console.service.broker import BrokerAwayError

if TYPE_CHECKING:
    from console.service.broker import Broker
    from schemas.protocol.call import Call

log = structlog.get_logger("console.announcing")


@dataclass(frozen=True, slots=True)
class Refused:
    """Redis answers, and refuses what the console writes."""

    code: str
    advice: str
    """What to mend, in words."""
    since: float
    """In Unix seconds."""
    until: float
    """When it was last found so."""


class Announcing:
    """Makes the calls of announcements, of which nobody else hears whether they failed."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._told = ""
        self.refused: Refused | None = None
        """Why Redis refused the last announcement; None where it took it, or did not answer."""
        self.taken_again_at = 0.0
        """When Redis took an announcement after it had not taken one before, in Unix seconds."""

    async def run(self, call: Call[Any]) -> None:
        """Make the call. A failure is logged once, until a call succeeds or fails for another reason.

        Raises:
            BrokerAwayError: Redis cannot be used.
        """
        try:
            await self._broker.run(call)
        except BrokerAwayError as error:
            now = time.time()
            since = now if self.refused is None else self.refused.since
            self.refused = Refused(error.reason, error.advice, since, now) if error.advice else None
            if error.reason != self._told:
                self._told = error.reason
                log.warning("announcement_failed", reason=error.reason)
            raise
        if self._told:
            self.taken_again_at = time.time()
        self._told, self.refused = "", None
