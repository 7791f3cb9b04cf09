"""Runs uvicorn with h11 on sockets that this module makes, in one process or in several."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import structlog
import uvicorn
from uvicorn.supervisors import Multiprocess

from edge.server.listening import listening_socket
from startup.environment import SettingsError

if TYPE_CHECKING:
    import socket

    from edge.settings import EdgeSettings

_BACKLOG: Final = 2048
"""How many connections may wait in the kernel until they are accepted."""

_METRICS_SETTINGS: Final = "INTAKE_METRICS_HOST, INTAKE_METRICS_PORT"
"""Where the address of the metrics comes from."""

log = structlog.get_logger("edge")


def serve(app_factory: str, edge: EdgeSettings, *, host: str, port: int, processes: int, settings: str) -> None:
    """Serve until a signal stops the process.

    Args:
        app_factory: The function that makes the application, as `module:function`. Each process calls it.
        edge: The limits, and the address of the metrics.
        host: The address to listen on.
        port: The port to listen on.
        processes: How many processes serve.
        settings: The names of the settings that host and port come from.

    Raises:
        SettingsError: an address cannot be listened on.
    """
    addresses = [(settings, host, port)]
    if edge.metrics_port:
        addresses.append((_METRICS_SETTINGS, edge.metrics_host, edge.metrics_port))
    sockets = _listen(addresses, write_seconds=edge.write_seconds)
    config = uvicorn.Config(
        app_factory,
        factory=True,
        host=host,
        port=port,
        workers=processes,
        loop="uvloop",
        http="edge.server.connections:protocol",
        ws="none",
        # The application writes all logs, also one line for each request.
        log_config=None,
        access_log=False,
        # The application never reads a client's address. Trusting a proxy's headers would cost time for no use.
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        h11_max_incomplete_event_size=edge.maximum_head_bytes,
        timeout_keep_alive=edge.keep_alive_seconds,
        timeout_graceful_shutdown=edge.graceful_seconds,
    )
    if processes > 1:
        _tell(sockets)
        Multiprocess(config, sockets=sockets).run()
    else:
        _Server(config).run(sockets=sockets)


def _listen(addresses: list[tuple[str, str, int]], *, write_seconds: float) -> list[socket.socket]:
    """A socket for each of these: the names of its settings, the host and the port."""
    with ExitStack() as opened:
        sockets = []
        for settings, host, port in addresses:
            try:
                sockets.append(opened.enter_context(listening_socket(host, port, write_seconds=write_seconds)))
            except OSError as error:
                raise SettingsError([f"{settings}: cannot listen there ({error.strerror})"]) from None
        opened.pop_all()
    return sockets


class _Server(uvicorn.Server):
    """Logs when it serves. uvicorn logs that only for sockets that it made itself."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve, then log each address."""
        await super().startup(sockets)
        _tell(sockets or [])


def _tell(sockets: list[socket.socket]) -> None:
    for each in sockets:
        host, port = each.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        log.info("listening", url=f"http://{shown}:{port}")
