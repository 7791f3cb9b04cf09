"""The answers of the method that tells events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.answers.responses import encoded_answer, failure
from schemas.events import event_payload

if TYPE_CHECKING:
    from edge.answers.answer import Answer
    from schemas.protocol.steps.eventing import Event, Events, EventsGone


def events_told(reading: Events) -> Answer:
    """200: events in their order, and the cursor for the next call."""
    told = b",".join(map(_told, reading.events))
    return encoded_answer(200, b'{"ok":true,"events":[%b],"next":"%b"}' % (told, reading.place.encode()))


def _told(event: Event) -> bytes:
    # What is stored is JSON already. To read and write it again would only cost time.
    payload = event_payload(event.type, at_milliseconds=event.at_milliseconds, data=event.data)
    return b'{"id":"%b",%b' % (event.id.encode(), payload[1:])


def events_gone(reading: EventsGone) -> Answer:
    """410: events after this cursor are gone. `next` is the cursor with which to go on."""
    return failure(410, "events_gone", data={"reason": reading.why.value, "next": reading.place})
