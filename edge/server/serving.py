"""Makes a process ready to serve, from inside its event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from edge.answers.refusals import count_malformed_requests
from edge.server.connections import CONNECTIONS, Connections
from edge.server.draining import drain_on_signals
from edge.server.listening import make_room_for_connections
from edge.server.strict_h11 import make_h11_strict
from startup.unhandled import in_event_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.answers.refusals import Refusals
    from edge.bodies import Bodies
    from edge.settings import EdgeSettings


def begin_to_serve(
    settings: EdgeSettings, refusals: Refusals, bodies: Bodies, *, drain: Callable[[], None]
) -> dict[str, Any]:
    """Do what comes before the first connection. Returns the lifespan's state, in which uvicorn finds the connections.

    Args:
        settings: the bounds of connections, and the times of the stop.
        refusals: count what is turned away.
        bodies: are given less time once the process stops listening.
        drain: is called at the first signal that stops the process, while it still listens.
    """
    asyncio.get_running_loop().set_exception_handler(in_event_loop)
    make_h11_strict(maximum_head_bytes=settings.maximum_head_bytes)
    count_malformed_requests(refusals)
    room = make_room_for_connections(settings.maximum_connections)
    connections = Connections(settings, refusals, maximum=room)

    def end() -> None:
        connections.hurry()
        bodies.hurry()

    drain_on_signals(seconds=settings.drain_seconds, drain=drain, end=end)
    return {CONNECTIONS: connections}
