"""Reading events, and waiting for them."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.intake.leaving import Leaving
from schemas.protocol.steps import eventing
from schemas.protocol.steps.eventing import Events, EventsGone, WhyGone

if TYPE_CHECKING:
    from api_shim.broker.absence import Absence
    from api_shim.intake.event_news import EventNews
    from api_shim.intake.leaving import UntilLeft

_READ_AGAIN_SECONDS: Final = 5.0
"""How often a waiting call reads by itself. Its news may go to a server that has been replaced."""


class EventReader:
    """Reads the outbox of events."""

    def __init__(self, news: EventNews, absence: Absence) -> None:
        self._news = news
        self._absence = absence

    async def read(self, *, after: str, limit: int) -> Events | EventsGone:
        """The events after a place, without waiting.

        Args:
            after: what an earlier reading gave as its place; empty for the oldest that is kept.
            limit: how many are read at most.

        Raises:
            BrokerUnavailableError: Redis cannot be asked, or may have been replaced.
        """
        return await self._absence.read(eventing.read_events(after=after, most=limit), misses=_is_lost)

    async def read_or_wait(
        self, *, after: str, limit: int, seconds: float, until_left: UntilLeft
    ) -> Events | EventsGone:
        """As `read`, once there is an event, the seconds are over, or the shim shuts down.

        Args:
            after: as for `read`.
            limit: as for `read`.
            seconds: how long to wait; with 0 the events are read once.
            until_left: raises when the client has left; the wait then ends with the same exception.

        Raises:
            BrokerUnavailableError: Redis could not be asked even once.
        """
        reading = await self.read(after=after, limit=limit)
        deadline = time.monotonic() + seconds
        if not seconds or not _is_empty(reading):
            return reading
        with self._news.listen() as listener, closing(Leaving(until_left, listener.wake)) as leaving:
            while _is_empty(reading):
                remaining = deadline - time.monotonic()
                if remaining <= 0 or not listener.worth_waiting:
                    break
                self._news.ask(listener, after=reading.place)
                leaving.look()
                await listener.wait(min(remaining, _READ_AGAIN_SECONDS))
                leaving.look()
                with suppress(BrokerUnavailableError):
                    reading = await self.read(after=after, limit=limit)
        return reading


def _is_lost(reading: Events | EventsGone) -> bool:
    return isinstance(reading, EventsGone) and reading.why is WhyGone.LOST


def _is_empty(reading: Events | EventsGone) -> bool:
    return isinstance(reading, Events) and not reading.events
