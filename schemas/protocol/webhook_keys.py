"""The names of what is kept in Redis for webhooks: which events each endpoint has not been sent yet.

Each endpoint has a consumer group of the stream of events (`schemas.protocol.keys.EVENTS_KEY`). The group knows which
events were read for the endpoint, and which of them are not acknowledged. So TRIM_EVENTS keeps what an endpoint needs.
Beside it, a sorted set knows when each of them is to be tried again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

NOTIFIER_KEY: Final = "intake:notifier"
"""The name of the notifier that sends events. No other one does while this key exists."""

CONSUMER: Final = "notifier"
"""The one consumer of each endpoint's group."""


def group_of(endpoint: str) -> str:
    """The endpoint's consumer group."""
    return f"webhook:{endpoint}"


def endpoint_key(endpoint: str) -> str:
    """The key of a hash with the endpoint's state: fields of `EndpointField`."""
    return f"intake:webhook:{endpoint}"


def waiting_key(endpoint: str) -> str:
    """The key of a sorted set: place of each event that the endpoint does not have → when to try it, in Unix ms.

    Infinity stands for an event that the notifier is trying.
    """
    return f"intake:webhook:{endpoint}:waiting"


def tries_key(endpoint: str) -> str:
    """The key of a hash: place of an event that failed → `TRIES FIRST`, the first try's beginning in Unix ms."""
    return f"intake:webhook:{endpoint}:tries"


class EndpointField(StrEnum):
    """Fields of an endpoint's state. Times are Unix milliseconds by Redis' clock."""

    SINCE = "since"
    """When the notifier first saw the endpoint. Older events are not sent to it."""
    HOLDER = "holder"
    """The name of the notifier that tries what is being tried."""
    DELIVERED = "delivered"
    """How many events the endpoint took."""
    FAILED = "failed"
    """How many tries failed."""
    GIVEN_UP = "given_up"
    """How many events were given up."""
    MISSING = "missing"
    """How many events were removed from the stream before the endpoint had them."""
    LAST_OUTCOME = "last_outcome"
    """What came of the last try, in one word."""
    LAST_AT = "last_at"
    """When that was."""
    FAILING_SINCE = "failing_since"
    """When a try first failed after the last success."""
    OFF_REASON = "off_reason"
    """Why nothing is sent: one of `schemas.protocol.steps.delivering.OffReason`. Without it, events are sent."""
    OFF_AT = "off_at"
    """Since when nothing is sent."""
