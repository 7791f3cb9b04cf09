"""Bounds the connections of a process. uvicorn calls `protocol` for each one, and gets its own h11 protocol back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from edge.answers.refusals import Reason
from edge.server.watchdog import Watchdog

if TYPE_CHECKING:
    from uvicorn import Config
    from uvicorn.server import ServerState

    from edge.answers.refusals import Refusals
    from edge.settings import EdgeSettings

CONNECTIONS: Final = "connections"
"""The key in the lifespan's state that holds this process' `Connections`. uvicorn hands that state to `protocol`."""


def protocol(
    config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: asyncio.AbstractEventLoop | None = None
) -> asyncio.Protocol:
    """Make the protocol for a connection that uvicorn has accepted. Beyond the bound, it aborts the connection."""
    connections: Connections = app_state[CONNECTIONS]
    if not connections.admit(server_state):
        return _Refused()
    return H11Protocol(config, server_state, app_state, _loop)


def is_over(send: Any) -> bool:
    """Whether the connection of this ASGI `send` ended before the answer was complete, so that nobody will read it.

    ASGI does not tell. uvicorn silently drops an answer to a client that has left, and raises for an answer to a
    request that it refused itself. So this looks into the object that uvicorn's `send` is a method of.
    """
    cycle = getattr(send, "__self__", None)
    return cycle is not None and not cycle.response_complete and (cycle.disconnected or cycle.transport.is_closing())


class Connections:
    """The connections of one process: their bound, and the watchdog that looks after them."""

    def __init__(self, settings: EdgeSettings, refusals: Refusals, *, maximum: int) -> None:
        self._settings = settings
        self._refusals = refusals
        self._maximum = maximum
        self._watchdog: Watchdog | None = None
        self._watching: asyncio.Task[None] | None = None

    def admit(self, server_state: ServerState) -> bool:
        """Whether there is room for one more connection. If not, it is counted as turned away.

        The first call also starts the watchdog, since uvicorn's set of connections is known from then on.
        """
        if self._watchdog is None:
            self._watchdog = Watchdog(
                server_state.connections,
                self._refusals,
                patience={
                    Reason.SLOW_HEAD: self._settings.head_seconds,
                    Reason.SENDS_ON: self._settings.head_seconds,
                    Reason.READS_NOTHING: self._settings.write_seconds,
                },
            )
            self._watching = asyncio.get_running_loop().create_task(self._watchdog.run())
        if len(server_state.connections) < self._maximum:
            return True
        self._refusals.add(Reason.CONNECTIONS)
        return False

    def hurry(self) -> None:
        """Have less patience with clients that do not read. Called when the process stops listening."""
        if self._watchdog is not None:
            self._watchdog.hurry()


class _Refused(asyncio.Protocol):
    """A connection for which there is no room."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Abort the connection at once, before anything is kept for it."""
        cast("asyncio.Transport", transport).abort()
