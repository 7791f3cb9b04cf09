"""Aborts connections whose client is too slow at a moment when no endpoint has a deadline for it.

uvicorn waits for the rest of a head without end. After an answer it reads on for as long as the client sends. So the
watchdog looks at each connection itself.

This module and `connections` read attributes that uvicorn does not document: its set of connections, and `conn`,
`cycle`, `flow` and `transport` of each. `tests/edge/test_uvicorn.py` names each of them. uvicorn is pinned
below its next minor version.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any, Final

import h11
import structlog

from edge.answers.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from uvicorn.protocols.http.h11_impl import H11Protocol

    from edge.answers.refusals import Refusals

LOOK_SECONDS: Final = 1.0
"""The time between two looks at all connections."""

_HURRIED_SECONDS: Final = 1.0
"""How long a client may leave its answer unread once the process has stopped listening."""

_STRETCH_BYTES: Final = 64 * 1024
"""A client that takes so many bytes of a streamed answer gets its whole time again."""

_ACKNOWLEDGED: Final = slice(120, 128)
"""The bytes of `tcpi_bytes_acked` in Linux' `struct tcp_info`, which has them since Linux 4.1."""

log = structlog.get_logger("edge")


def owed(connection: H11Protocol) -> Reason | None:
    """What this connection's client has to do next. None: nothing, or something that has a deadline elsewhere."""
    cycle = connection.cycle
    if connection.flow.write_paused:
        return Reason.READS_NOTHING
    if cycle is not None and not cycle.response_complete:
        return None  # a method works at a request, and has a deadline for its body
    if connection.conn.their_state is h11.SEND_BODY:
        return Reason.SENDS_ON
    if connection.conn.their_state is h11.IDLE and (cycle is None or connection.conn.trailing_data[0]):
        return Reason.SLOW_HEAD  # no head yet, or a part of one; uvicorn itself bounds silence after an answer
    return None


def _taken(connection: H11Protocol) -> int:
    """How many bytes the client has acknowledged, if its answer is still being made.

    Otherwise 0: a complete answer is wholly in memory, so its client gets no more time for reading a little. Also 0 on
    systems other than Linux, which cannot tell.
    """
    cycle = connection.cycle
    if not hasattr(socket, "TCP_INFO") or not cycle.response_started or cycle.response_complete:
        return 0
    info = connection.transport.get_extra_info("socket").getsockopt(
        socket.IPPROTO_TCP, socket.TCP_INFO, _ACKNOWLEDGED.stop
    )
    return int.from_bytes(info[_ACKNOWLEDGED], sys.byteorder)


class Watchdog:
    """Looks at each connection every second. Aborts those whose client has been slow at the same thing for too long."""

    def __init__(self, connections: Iterable[Any], refusals: Refusals, *, patience: Mapping[Reason, float]) -> None:
        """`connections` is uvicorn's own set. `patience` tells for each reason how many seconds a client has."""
        self._connections = connections
        self._refusals = refusals
        self._patience = dict(patience)
        self._since: dict[tuple[H11Protocol, Reason, Any], tuple[float, int]] = {}

    def hurry(self) -> None:
        """Give clients that do not read one second at most. Called when the process stops listening."""
        self._patience[Reason.READS_NOTHING] = min(_HURRIED_SECONDS, self._patience[Reason.READS_NOTHING])

    async def run(self) -> None:
        """Look again and again, until cancelled. No error ends it."""
        loop = asyncio.get_running_loop()
        every = min(LOOK_SECONDS, *(seconds / 4 for seconds in self._patience.values()))
        while True:
            await asyncio.sleep(every)
            try:
                self._look(loop.time())
            except Exception as error:  # the watchdog must live as long as the process
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
