"""Ends connections whose client owes something that no request of ours waits for.

uvicorn waits for ever for the rest of a head, and reads on after an answer for as long as something comes. This module
and `connections` read what is uvicorn's own: its set of connections, and of each `conn`, `cycle`, `flow` and
`transport`. `tests/api_shim/edge/test_uvicorn.py` names what they rely on.
uvicorn is pinned below its next minor version.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import h11
import structlog

from api_shim.edge.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from uvicorn.protocols.http.h11_impl import H11Protocol

    from api_shim.edge.refusals import Refusals

LOOK_SECONDS: Final = 1.0

_HURRIED_SECONDS: Final = 1.0
"""What a client that does not read gets once the shim has stopped listening."""

log = structlog.get_logger("api_shim.edge")


def owed(connection: H11Protocol) -> Reason | None:
    """What the client of a connection owes now, by the name that its abortion would have; None: nothing."""
    cycle = connection.cycle
    if connection.flow.write_paused:
        return Reason.READS_NOTHING
    if cycle is not None and not cycle.response_complete:
        return None  # a request of ours: its endpoint has a deadline
    if connection.conn.their_state is h11.SEND_BODY:
        return Reason.SENDS_ON
    if connection.conn.their_state is h11.IDLE and (cycle is None or connection.conn.trailing_data[0]):
        return Reason.SLOW_HEAD  # nothing yet, or a part; after an answer uvicorn itself bounds the silence
    return None


class Watchdog:
    """Looks at every connection each second, and aborts those that have owed the same thing for too long."""

    def __init__(self, connections: Iterable[Any], refusals: Refusals, *, patience: Mapping[Reason, float]) -> None:
        self._connections = connections
        self._refusals = refusals
        self._patience = dict(patience)
        self._since: dict[tuple[H11Protocol, Reason, Any], float] = {}

    def hurry(self) -> None:
        """The shim ends: it does not wait long for those that do not read."""
        self._patience[Reason.READS_NOTHING] = min(_HURRIED_SECONDS, self._patience[Reason.READS_NOTHING])

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        every = min(LOOK_SECONDS, *(seconds / 4 for seconds in self._patience.values()))
        while True:
            await asyncio.sleep(every)
            try:
                self._look(loop.time())
            except Exception as error:  # it must live as long as the process
                log.error("watchdog_failed", exc_info=error)  # noqa: TRY400

    def _look(self, now: float) -> None:
        since = {}
        for connection in tuple(self._connections):
            reason = owed(connection)
            if reason is None:
                continue
            key = (connection, reason, connection.cycle)
            since[key] = began = self._since.get(key, now)
            if now - began >= self._patience[reason]:
                connection.transport.abort()
                self._refusals.add(reason)
                del since[key]
        self._since = since
