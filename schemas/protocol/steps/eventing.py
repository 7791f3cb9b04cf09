"""The steps of the outbox of events: reading it, and removing what is old. Steps that end tasks append to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.keys import EVENTS_KEY, EVENTS_TRIMMED_KEY
from schemas.protocol.lua_files import load_script

if TYPE_CHECKING:
    from schemas.protocol.call import Call, Script

_READ_EVENTS: Final[Script] = load_script("read_events")
"""The step that reads events in order."""
_TRIM_EVENTS: Final[Script] = load_script("trim_events")
"""The step that removes old events."""


_APART_SECONDS: Final = 60
"""For how long two servers may both have taken events, the difference of their clocks included. A primary that is cut
off from its replicas stops within seconds (`min-replicas-max-lag`)."""


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a task or a batch."""

    id: str
    """The same for the same outcome, however often it is told."""
    type: str
    """One of `schemas.events.EventType`."""
    at_milliseconds: int
    """When it happened, in Unix milliseconds by Redis' clock."""
    data: bytes
    """A JSON object."""


@dataclass(frozen=True, slots=True)
class Events:
    """Some events in their order."""

    events: tuple[Event, ...]
    place: str
    """Where the next ones begin."""


class WhyGone(StrEnum):
    """Why the events after a place cannot be told."""

    TRIMMED = "trimmed"
    """Some of them were too old to be kept."""
    LOST = "lost"
    """Redis lacks the event at this place: it was restored, or replaced by one that had not got it."""


@dataclass(frozen=True, slots=True)
class EventsGone:
    """The events after a place cannot be told."""

    why: WhyGone
    place: str
    """Where to go on. Where an event is `LOST`, it stands before all that the reader may lack."""


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What one call removed."""

    removed: int
    unread: int
    """How many of them a consumer group still needed."""


def read_events(*, after: str, most: int) -> Call[Events | EventsGone]:
    """Read events in order.

    Args:
        after: the place that an earlier reply gave, as `MILLISECONDS-NUMBER`; empty for the oldest that is kept.
        most: how many to read.
    """
    return _READ_EVENTS.call(
        _read,
        keys={"events": EVENTS_KEY, "trimmed_key": EVENTS_TRIMMED_KEY},
        arguments={"after": after, "most": most, "apart_milliseconds": 1000 * _APART_SECONDS},
    )


def trim_events(*, kept_seconds: float, unread_seconds: float, most: int) -> Call[Trimmed]:
    """Remove events that are old, and that every consumer group has acknowledged or had much time for.

    Args:
        kept_seconds: for how long events are kept at least.
        unread_seconds: for how long events are kept that a consumer group has not acknowledged.
        most: how many one call removes.
    """
    return _TRIM_EVENTS.call(
        lambda reply: Trimmed(*reply),
        keys={"events": EVENTS_KEY, "trimmed_key": EVENTS_TRIMMED_KEY},
        arguments={
            "kept_milliseconds": int(1000 * kept_seconds),
            "unread_milliseconds": int(1000 * unread_seconds),
            "most": most,
        },
    )


def _read(reply: Any) -> Events | EventsGone:
    if reply[0] != b"read":
        return EventsGone(WhyGone(reply[0].decode()), reply[1].decode())
    events = [Event(id_.decode(), type_.decode(), int(at), data) for id_, type_, at, data in reply[2:]]
    return Events(tuple(events), reply[1].decode())
