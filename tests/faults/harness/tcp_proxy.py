"""A TCP proxy that does what networks, load balancers and failovers do to connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final, Self, TypeVar

from tests.faults.harness.tcp_link import Link, Trap, Way, Weather

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TcpProxy", "Way"]

T = TypeVar("T")

_HOST: Final = "127.0.0.1"
_BACKLOG: Final = 512
_ANSWER_SECONDS: Final = 10


class TcpProxy:
    """Forwards from its own port to another port of this machine, and fails as it is told. Thread-safe.

    Every method takes effect before it returns.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server((_HOST, 0), backlog=_BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tcp-proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._connecting: set[asyncio.Task[None]] = set()
        self._links: set[Link] = set()
        self._weather = Weather()
        self._black_hole = False
        self._refusing = False

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(_ANSWER_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_ANSWER_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_SECONDS)
        self._loop.close()

    @property
    def links(self) -> int:
        """How many connections are open or forgotten."""
        return self._now(lambda: len(self._links))

    @property
    def black_hole(self) -> bool:
        """Whether everything is swallowed, as by a firewall that forgot its connections.

        Connections that were open, or are opened meanwhile, stay dead afterwards. No answer and no end ever comes.
        """
        return self._black_hole

    @black_hole.setter
    def black_hole(self, on: bool) -> None:
        self._black_hole = on
        if on:
            self.forget()

    @property
    def refusing(self) -> bool:
        """Whether each new connection is reset as soon as it is made."""
        return self._refusing

    @refusing.setter
    def refusing(self, on: bool) -> None:
        self._refusing = on

    @property
    def silent(self) -> frozenset[Way]:
        """The ways in which nothing arrives any more.

        A connection of which bytes were swallowed stays silent in that way afterwards, since TCP lets no gap pass.
        """
        return self._weather.silent

    @silent.setter
    def silent(self, ways: frozenset[Way]) -> None:
        self._now(lambda: setattr(self._weather, "silent", ways))

    @property
    def stalled(self) -> bool:
        """Whether everything is held back, new connections too. Afterwards all of it arrives, and nothing is lost."""
        return self._weather.is_stalled

    @stalled.setter
    def stalled(self, on: bool) -> None:
        def strike() -> None:
            self._weather.is_stalled = on
            for link in self._links:
                link.stall(on=on)

        self._now(strike)

    @property
    def delay_seconds(self) -> float:
        """How much later each byte arrives, in both ways."""
        return self._weather.delay_seconds

    @delay_seconds.setter
    def delay_seconds(self, seconds: float) -> None:
        self._now(lambda: setattr(self._weather, "delay_seconds", seconds))

    @property
    def bytes_per_second(self) -> float:
        """How many bytes a second a link lets through in each way. 0 means all that come."""
        return self._weather.bytes_per_second

    @bytes_per_second.setter
    def bytes_per_second(self, most: float) -> None:
        self._now(lambda: setattr(self._weather, "bytes_per_second", most))

    @property
    def reset_awaited(self) -> bool:
        """Whether `reset_after` has not struck yet."""
        return self._now(lambda: self._weather.trap is not None)

    def reset(self) -> int:
        """Send a reset (RST) to both sides of every connection, idle or busy. Returns how many there were."""

        def strike() -> int:
            links = tuple(self._links)
            for link in links:
                link.reset()
            return len(links)

        return self._now(strike)

    def reset_after(self, way: Way, count: int) -> None:
        """Reset one connection, the first that carries more than `count` bytes in this way from now on.

        With 0, a request never arrives, or the reply to a request that was carried out is lost.
        """
        self._now(lambda: setattr(self._weather, "trap", Trap(way, count)))

    def forget(self, *, server_notices: bool = False, client_notices: bool = False) -> int:
        """Swallow all that comes on the connections that are open now. Returns how many connections there are.

        Args:
            server_notices: close the server's side, so that only the client believes in the connection.
            client_notices: close the client's side, so that only the server believes in it.
        """

        def strike() -> int:
            links = tuple(self._links)
            for link in links:
                link.forgotten = True
                if server_notices:
                    link.far.close()
                if client_notices:
                    link.near.close()
            return len(links)

        return self._now(strike)

    def retarget(self, port: int) -> None:
        """Lead new connections to another port and keep the old ones, as where a name leads to another server."""
        self._now(lambda: setattr(self, "_target_port", port))

    def _now(self, do: Callable[[], T]) -> T:
        """Run this in the proxy's thread and wait for it."""
        if not self._thread.is_alive():
            return do()

        async def run() -> T:
            return do()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_ANSWER_SECONDS)

    async def _serve(self) -> None:
        def make() -> asyncio.Protocol:
            link = Link(self._weather, self._connect, self._links.discard)
            self._links.add(link)
            return link.near

        self._server = await self._loop.create_server(make, sock=self._listener)

    def _connect(self, link: Link) -> None:
        if self._refusing:
            link.reset()
        elif self._black_hole:
            link.forgotten = True
            link.stall(on=False)  # The client is read all the same.
        else:
            task = self._loop.create_task(self._connect_far(link))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect_far(self, link: Link) -> None:
        try:
            await self._loop.create_connection(lambda: link.far, _HOST, self._target_port)
        except OSError:
            link.near.reset()

    async def _end(self) -> None:
        # A connection that is being made ends as well.
        self._refusing = True
        if self._server is not None:
            self._server.close()
        for task in tuple(self._connecting):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        async with asyncio.timeout(_ANSWER_SECONDS):
            for link in tuple(self._links):
                link.reset()
                await link.over.wait()
