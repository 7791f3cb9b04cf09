"""Reads and checks the query of the method that tells events."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api_shim.methods.requests.arguments import MAXIMUM_WAIT_SECONDS
from edge.query import query_arguments, whole_number
from edge.request import InvalidRequestPartError

if TYPE_CHECKING:
    from edge.request import HttpRequest

DEFAULT_LIMIT: Final = 100
"""How many events are told where the call does not say how many."""
MAXIMUM_LIMIT: Final = 1000
"""How many events a call may ask for."""

CURSOR_PATTERN: Final = "^(?:[0-9]{1,15}-[0-9]{1,15})?$"
"""The form of a cursor: the place of an event in Redis' stream. Numbers of so many digits are exact in Lua."""

# Clients choose the text that this pattern reads. It gives no character back.
_CURSOR: Final = re.compile(r"[0-9]{1,15}+-[0-9]{1,15}+")
"""A cursor that is not empty."""


@dataclass(frozen=True, slots=True)
class EventsQuery:
    """Which events a call asks for."""

    after: str
    """The `next` of an earlier answer. Empty: from the oldest that is kept."""
    limit: int
    wait_seconds: int


def events_query(request: HttpRequest) -> EventsQuery:
    """Read the query of a call that reads events.

    Raises:
        InvalidRequestPartError: an argument is unknown, repeated, or not what it may be.
    """
    arguments = query_arguments(request, "after", "limit", "wait")
    after = arguments.get("after", "")
    if after and _CURSOR.fullmatch(after) is None:
        raise InvalidRequestPartError("after", "must be the `next` of an earlier answer")
    limit = whole_number(arguments, "limit", DEFAULT_LIMIT, minimum=1, maximum=MAXIMUM_LIMIT)
    wait = whole_number(arguments, "wait", 0, minimum=0, maximum=MAXIMUM_WAIT_SECONDS)
    return EventsQuery(after, limit or DEFAULT_LIMIT, wait or 0)
