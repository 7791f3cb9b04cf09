"""The steps of webhooks: those of the notifier, and those by which an operator switches, retries and forgets."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.keys import EVENTS_KEY
from schemas.protocol.lua_files import load_script
from schemas.protocol.reading import whole
from schemas.protocol.steps.eventing import Event
from schemas.protocol.webhook_keys import (
    CONSUMER,
    NOTIFIER_KEY,
    EndpointField,
    endpoint_key,
    group_of,
    tries_key,
    waiting_key,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from schemas.protocol.call import Call, Script

_LEASE_NOTIFIER: Final[Script] = load_script("lease_notifier")
"""The step that makes one notifier the one that sends."""
_LEAVE_NOTIFIER: Final[Script] = load_script("leave_notifier")
"""The step by which it leaves that to others."""
_TAKE_EVENTS: Final[Script] = load_script("take_events")
"""The step that hands out events to try."""
_END_TRY: Final[Script] = load_script("end_try")
"""The step that writes what came of a try."""
_SWITCH_ENDPOINT: Final[Script] = load_script("switch_endpoint")
"""The step that switches an endpoint on or off."""
_RETRY_EVENTS: Final[Script] = load_script("retry_events")
"""The step that lets waiting events be tried now."""
_READ_ENDPOINT: Final[Script] = load_script("read_endpoint")
"""The step that reads an endpoint's state."""
_FORGET_ENDPOINT: Final[Script] = load_script("forget_endpoint")
"""The step that removes an endpoint's state."""


class OffReason(StrEnum):
    """Why nothing is sent to an endpoint."""

    GONE = "gone"
    """It has answered with 410."""
    FAILING = "failing"
    """For days every try has failed."""
    OPERATOR = "operator"
    """An operator has switched it off."""


class Refused(StrEnum):
    """Why no events are handed out."""

    LOST = "lost"
    """Another notifier sends."""
    OFF = "off"
    """The endpoint is switched off."""


class Ending(StrEnum):
    """What became of an event by a try."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """It is tried again."""
    GIVEN_UP = "given_up"
    """It is tried no more."""


class EndpointChange(StrEnum):
    """What END_TRY says of the endpoint."""

    LOST = "lost"
    """Another notifier sends by now."""
    ON = "on"
    OFF = "off"
    """Nothing is sent to it any more."""


@dataclass(frozen=True, slots=True)
class TakenEvent:
    """An event that is to be tried now."""

    place: str
    """In the stream."""
    event: Event
    tries: int
    """How often it was tried before."""
    since_first_seconds: float
    """How long ago the first try was; 0 if there was none."""
    traceparent: str = ""
    """Where the trace of the task or batch goes on; empty where there is none."""


@dataclass(frozen=True, slots=True)
class TakenEvents:
    """What TAKE_EVENTS hands out."""

    events: tuple[TakenEvent, ...]
    next_seconds: float | None
    """When the next try of another event is due, from now. None if none waits."""
    has_more: bool
    """Whether another call may find more at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a try."""

    place: str
    """Of the event in the stream."""
    ending: Ending
    outcome: str
    """In one word."""
    pause_seconds: float = 0.0
    """Until the next try, where there is one."""
    try_seconds: float
    """How long the try took."""
    is_gone: bool = False
    """Whether the endpoint wants no more events."""


@dataclass(frozen=True, slots=True)
class EndpointState:
    """An endpoint's state in Redis."""

    waiting: int
    """Events that are being tried, or wait for a further try."""
    oldest_seconds: float | None
    """The age of the oldest event that the endpoint does not have. None if it has all."""
    now_milliseconds: int
    """By Redis' clock."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """By `EndpointField`."""

    def count(self, name: EndpointField) -> int:
        """A number among the fields."""
        return whole(self.fields.get(name))

    def ago_seconds(self, name: EndpointField) -> float | None:
        """How long ago a time among the fields is; None if it has not been."""
        at = self.fields.get(name)
        return None if at is None else max(0.0, (self.now_milliseconds - whole(at)) / 1000)

    @property
    def off_reason(self) -> str | None:
        """Why nothing is sent to the endpoint; None where events are sent."""
        return self.fields.get(EndpointField.OFF_REASON)


def lease_notifier(holder: str, *, previous: str = "", lease_seconds: float) -> Call[bool]:
    """Become the notifier that sends, or stay so, for so many seconds. The reply says whether that worked.

    Args:
        holder: a name of the caller's own. It is another one each time that the caller begins to send.
        previous: the name under which it sent before, which it has ended.
        lease_seconds: after so long without another call, another notifier may send.
    """
    return _LEASE_NOTIFIER.call(
        bool,
        keys={"notifier": NOTIFIER_KEY},
        arguments={"holder": holder, "lease_milliseconds": round(1000 * lease_seconds), "previous": previous},
    )


def leave_notifier(holder: str) -> Call[bool]:
    """Leave the sending to others. The reply says whether it was the caller's."""
    return _LEAVE_NOTIFIER.call(bool, keys={"notifier": NOTIFIER_KEY}, arguments={"holder": holder})


def take_events(
    holder: str,
    endpoint: str,
    *,
    most: int,
    most_waiting: int,
    longest_seconds: float,
    types: Collection[str] | None,
    callers: Collection[str] | None,
) -> Call[TakenEvents | Refused]:
    """Take events to try: first those whose next try is due, then those that were never tried.

    The first call for an endpoint only makes it known: it is sent the events that come from then on. What is taken is
    the caller's until it calls END_TRY, or until another notifier sends.

    Args:
        holder: the name under which the caller sends.
        endpoint: the endpoint's name.
        most: how many events to take.
        most_waiting: while so many wait for a further try, events that were never tried stay in the stream. With 1,
            events are tried in their order.
        longest_seconds: the longest pause between two tries. An event that waits for longer is tried now: the clock was
            set back.
        types: the types that the endpoint wants; None for all.
        callers: the callers of whose tasks it is told; None for all.
    """
    return _TAKE_EVENTS.call(
        _taken,
        keys=_keys(endpoint),
        arguments={
            "holder": holder,
            "group": group_of(endpoint),
            "consumer": CONSUMER,
            "most": most,
            "most_waiting": most_waiting,
            "longest_milliseconds": round(1000 * longest_seconds),
            "types": "" if types is None else f" {' '.join(sorted(types))} ",
        },
        tail=sorted(callers or ()),
    )


def end_try(holder: str, endpoint: str, tried: Tried, *, off_seconds: float) -> Call[EndpointChange]:
    """Write what came of a try.

    Args:
        holder: the name under which the caller sends.
        endpoint: the endpoint's name.
        tried: what came of it.
        off_seconds: an endpoint that does nothing but fail for so long is switched off.
    """
    return _END_TRY.call(
        _change,
        keys=_keys(endpoint),
        arguments={
            "holder": holder,
            "group": group_of(endpoint),
            "place": tried.place,
            "ending": tried.ending,
            "outcome": tried.outcome,
            "pause_milliseconds": round(1000 * tried.pause_seconds),
            "try_milliseconds": round(1000 * tried.try_seconds),
            "gone": int(tried.is_gone),
            "off_milliseconds": round(1000 * off_seconds),
        },
    )


def switch_endpoint(endpoint: str, *, off_reason: str | None) -> Call[bool | None]:
    """Send an endpoint no more events, for that reason; or, without one, send it events again, and at once.

    Returns:
        A call whose reply is whether that changed something. None if nothing is known of such an endpoint.
    """
    return _SWITCH_ENDPOINT.call(
        lambda reply: None if reply is None else bool(reply),
        keys={"endpoint": endpoint_key(endpoint), "waiting": waiting_key(endpoint)},
        arguments={"reason": off_reason or ""},
    )


def retry_events(endpoint: str) -> Call[int | None]:
    """Let all that waits for an endpoint be tried now. The reply is how many events that are, None as above."""
    return _RETRY_EVENTS.call(
        lambda reply: None if reply is None else int(reply),
        keys={"endpoint": endpoint_key(endpoint), "waiting": waiting_key(endpoint)},
        arguments={},
    )


def read_endpoint(endpoint: str) -> Call[EndpointState | None]:
    """Read an endpoint's state. None if nothing is known of it."""
    return _READ_ENDPOINT.call(
        _state,
        keys={"events": EVENTS_KEY, "endpoint": endpoint_key(endpoint), "waiting": waiting_key(endpoint)},
        arguments={"group": group_of(endpoint)},
    )


def forget_endpoint(endpoint: str) -> Call[bool]:
    """Remove all that is kept for an endpoint. The reply says whether there was something."""
    return _FORGET_ENDPOINT.call(
        bool,
        keys={
            "events": EVENTS_KEY,
            "endpoint": endpoint_key(endpoint),
            "waiting": waiting_key(endpoint),
            "tries": tries_key(endpoint),
        },
        arguments={"group": group_of(endpoint)},
    )


def _keys(endpoint: str) -> dict[str, str]:
    return {
        "events": EVENTS_KEY,
        "notifier": NOTIFIER_KEY,
        "endpoint": endpoint_key(endpoint),
        "waiting": waiting_key(endpoint),
        "tries": tries_key(endpoint),
    }


def _taken(reply: Any) -> TakenEvents | Refused:
    if reply[0] != b"taken":
        return Refused(reply[0].decode())
    _, next_milliseconds, more, *entries = reply
    events = tuple(
        TakenEvent(
            place.decode(),
            Event(id_.decode(), type_.decode(), int(at), data),
            int(tries),
            int(since_first) / 1000,
            traceparent.decode(),
        )
        for place, id_, type_, at, data, tries, since_first, traceparent in entries
    )
    return TakenEvents(events, None if next_milliseconds < 0 else next_milliseconds / 1000, bool(more))


def _change(reply: bytes) -> EndpointChange:
    return EndpointChange(reply.decode())


def _state(reply: Any) -> EndpointState | None:
    if reply is None:
        return None
    now, waiting, oldest, *rest = reply
    texts = [each.decode("utf-8", "replace") for each in rest]
    age = max(0.0, (now - int(oldest.partition(b"-")[0])) / 1000) if oldest else None
    return EndpointState(waiting, age, now, dict(zip(texts[::2], texts[1::2], strict=True)))
