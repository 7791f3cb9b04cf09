"""What uvicorn makes for each connection: its own h11 protocol, as long as there is room."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from api_shim.edge.refusals import Reason
from api_shim.edge.server.watchdog import Watchdog

if TYPE_CHECKING:
    from uvicorn import Config
    from uvicorn.server import ServerState

    from api_shim.edge.refusals import Refusals
    from api_shim.edge.settings import EdgeSettings

CONNECTIONS: Final = "connections"
"""The name in the lifespan's state under which uvicorn hands this process' `Connections` to `protocol`."""


def protocol(
    config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: asyncio.AbstractEventLoop | None = None
) -> asyncio.Protocol:
    """Uvicorn's `http`: called for each connection that it has accepted."""
    connections: Connections = app_state[CONNECTIONS]
    if not connections.admit(server_state):
        return _Refused()
    return H11Protocol(config, server_state, app_state, _loop)


def is_over(send: Any) -> bool:
    """Whether nobody is left to answer on the connection that this ASGI `send` belongs to.

    False once the answer is complete. ASGI does not tell: uvicorn drops an answer to a client that has left, or fails
    on one that it refused itself.
    """
    cycle = getattr(send, "__self__", None)
    return cycle is not None and not cycle.response_complete and (cycle.disconnected or cycle.transport.is_closing())


class Connections:
    """The connections of this process: how many there may be, and what looks after them."""

    def __init__(self, settings: EdgeSettings, refusals: Refusals, *, maximum: int) -> None:
        self._settings = settings
        self._refusals = refusals
        self._maximum = maximum
        self._watchdog: Watchdog | None = None
        self._watching: asyncio.Task[None] | None = None

    def admit(self, server_state: ServerState) -> bool:
        """Whether there is room for one more. The first one wakes the watchdog."""
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
        """The shim stops listening."""
        if self._watchdog is not None:
            self._watchdog.hurry()


class _Refused(asyncio.Protocol):
    """A connection for which there is no room."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """End it before anything is kept for it."""
        cast("asyncio.Transport", transport).abort()
