"""The method that tells events: parses its request, calls one function of `intake`, translates the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api_shim.methods.answers import event_answers as answers
from api_shim.methods.requests import event_request
from edge.answers.answer import Answer
from schemas.protocol.steps.eventing import EventsGone

if TYPE_CHECKING:
    from api_shim.intake.events import EventReader
    from api_shim.methods.doorkeeper import Doorkeeper
    from edge.request import HttpRequest

EVENTS_PATH: Final = "/customer/v1/customer.events"
"""The path of `customer.events`, without the prefix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMethods:
    """`customer.events`."""

    doorkeeper: Doorkeeper
    events: EventReader

    async def read(self, request: HttpRequest) -> Answer:
        """`GET customer.events`."""
        caller = await self.doorkeeper.admit_to_events(request)
        if isinstance(caller, Answer):
            return caller
        query = event_request.events_query(request)
        reading = await self.events.read_or_wait(
            after=query.after,
            limit=query.limit,
            seconds=query.wait_seconds,
            until_left=request.until_disconnected,
        )
        return answers.events_gone(reading) if isinstance(reading, EventsGone) else answers.events_told(reading)
