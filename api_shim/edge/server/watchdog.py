"""Ends connections whose client owes something that no request of ours waits for.

uvicorn waits for ever for the rest of a head, and reads on after an answer for as long as something comes. This module
and `connections` read what is uvicorn's own: its set of connections, and of each `conn`, `cycle`, `flow` and
`transport`. `tests/api_shim/edge/test_uvicorn.py` names what they rely on.
uvicorn is pinned below its next minor version.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any, Final

import h11
import structlog

from api_shim.edge.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from uvicorn.protocols.http.h11_impl import H11Protocol

    from api_shim.edge.refusals import Refusals

LOOK_SECONDS: Final = 1.0
"""The time between two looks at all connections."""

_HURRIED_SECONDS: Final = 1.0
"""What a client that does not read gets once the shim has stopped listening."""

_STRETCH_BYTES: Final = 64 * 1024
"""Of an answer that is still being made: whoever takes so much of it has its time anew."""

_ACKNOWLEDGED: Final = slice(120, 128)
"""Where `tcpi_bytes_acked` is in Linux' `struct tcp_info` (4.1 or newer)."""

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


def _taken(connection: H11Protocol) -> int:
    """Bytes that the client has acknowledged, where its answer is still being made.

    0 for an answer that waits as a whole: all of it is in memory, so its client gets no more time by reading a little.
    0 also where the system is not Linux and cannot tell.
    """
    cycle = connection.cycle
    if not hasattr(socket, "TCP_INFO") or not cycle.response_started or cycle.response_complete:
        return 0
    info = connection.transport.get_extra_info("socket").getsockopt(
        socket.IPPROTO_TCP, socket.TCP_INFO, _ACKNOWLEDGED.stop
    )
    return int.from_bytes(info[_ACKNOWLEDGED], sys.byteorder)


class Watchdog:
    """Looks at every connection each second, and aborts those that have owed the same thing for too long."""

    def __init__(self, connections: Iterable[Any], refusals: Refusals, *, patience: Mapping[Reason, float]) -> None:
        self._connections = connections
        self._refusals = refusals
        self._patience = dict(patience)
        self._since: dict[tuple[H11Protocol, Reason, Any], tuple[float, int]] = {}

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
            taken = _taken(connection) if reason is Reason.READS_NOTHING else 0
            began, taken_then = self._since.get(key, (now, taken))
            if taken - taken_then >= _STRETCH_BYTES:
                began, taken_then = now, taken
            since[key] = (began, taken_then)
            if now - began >= self._patience[reason]:
                connection.transport.abort()
                self._refusals.add(reason)
                del since[key]
        self._since = since
