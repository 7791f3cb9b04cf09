"""Sends the console's announcements, and logs where Redis takes none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from console.service.broker import BrokerAwayError

if TYPE_CHECKING:
    from console.service.broker import Broker
    from schemas.protocol.call import Call

log = structlog.get_logger("console.announcing")


class Announcing:
    """Makes the calls of announcements, of which nobody else hears whether they failed."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._told = ""

    async def run(self, call: Call[Any]) -> None:
        """Make the call. A failure is logged once, until a call succeeds or fails for another reason.

        Raises:
            BrokerAwayError: Redis cannot be used.
        """
        try:
            await self._broker.run(call)
        except BrokerAwayError as error:
            if error.reason != self._told:
                self._told = error.reason
                log.warning("announcement_failed", reason=error.reason)
            raise
        self._told = ""
