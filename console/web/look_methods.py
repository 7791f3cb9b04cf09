"""What the page shows: looks, the last hour, what was looked for, dead letters."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Final

from console.service.broker import BrokerAwayError
from edge.answers import responses
from edge.answers.answer import Answer, StreamedAnswer
from edge.answers.codings import takes_gzip
from edge.query import query_arguments

if TYPE_CHECKING:
    from console.service.finder import Finder
    from console.service.live import Live
    from console.service.operators_letters import OperatorsLetters
    from console.web.guard import Guard
    from console.web.sessions import Sessions
    from edge.request import HttpRequest

_MOST_ASKED: Final = 200
"""The longest text to look for."""

_EVENTS: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    # nginx collects what an upstream sends, seconds of it, unless its own configuration or this header says otherwise.
    (b"x-accel-buffering", b"no"),
)
"""The headers of the live stream."""

_GZIP_LEVEL: Final = 3
"""An hour of points becomes a fifth."""


class LookMethods:
    """The endpoints for whoever may look."""

    def __init__(
        self, guard: Guard, sessions: Sessions, *, live: Live, finder: Finder, letters: OperatorsLetters
    ) -> None:
        self._guard = guard
        self._sessions = sessions
        self._live = live
        self._finder = finder
        self._letters = letters

    async def live(self, request: HttpRequest) -> Answer | StreamedAnswer:
        """Send what is seen once a second, as server-sent events."""
        operator = self._guard.admit_to_look(request)
        if isinstance(operator, Answer):
            return operator
        return StreamedAnswer(
            200, self._live.watch(operator.name, lambda: self._sessions.is_over(operator)), list(_EVENTS)
        )

    async def hour(self, request: HttpRequest) -> Answer:
        """The last hour, for the chart."""
        operator = self._guard.admit_to_look(request)
        if isinstance(operator, Answer):
            return operator
        try:
            hour = await self._live.hour()
        except BrokerAwayError as error:
            return broker_away(error)
        content = json.dumps({"ok": True, **hour}, separators=(",", ":")).encode()
        headers = {"vary": "accept-encoding"}
        if takes_gzip(request.header(b"accept-encoding") or ""):
            content = gzip.compress(content, _GZIP_LEVEL)
            headers["content-encoding"] = "gzip"
        return responses.encoded_answer(200, content, headers)

    async def find(self, request: HttpRequest) -> Answer:
        """One task, batch or row."""
        operator = self._guard.admit_to_look(request)
        if isinstance(operator, Answer):
            return operator
        asked = query_arguments(request, "id").get("id", "")
        try:
            found = await self._finder.find(asked) if len(asked) <= _MOST_ASKED else None
        except BrokerAwayError as error:
            return broker_away(error)
        if found is None:
            return responses.failure(404, "not_found")
        return responses.json_answer(200, {"ok": True, "found": found})

    async def dead_letters(self, request: HttpRequest) -> Answer:
        """The oldest dead letters."""
        operator = self._guard.admit_to_look(request)
        if isinstance(operator, Answer):
            return operator
        try:
            listed = await self._letters.list(reason=query_arguments(request, "reason").get("reason", ""))
        except BrokerAwayError as error:
            return broker_away(error)
        return responses.json_answer(200, {"ok": True, **listed})


def broker_away(error: BrokerAwayError) -> Answer:
    """503: Redis cannot be used."""
    return responses.failure(503, "service_unavailable", data={"reason": error.reason})
