"""One connection through the fault proxy, and what the proxy does to all of them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_QUEUED_BYTES: Final = 256 * 1024
"""How many bytes may wait in one way of a link. Where more wait, the sender is not read."""

_PIECES_A_SECOND: Final = 50
"""How often in a second bytes arrive where the throughput is bounded."""

_RST_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER for no time. With it, closing sends a reset in place of an end of file."""


class Way(StrEnum):
    """The two ways in which bytes pass a link."""

    REQUESTS = "requests"
    REPLIES = "replies"


@dataclass(eq=False)
class Trap:
    """Resets the first link that carries more than so many bytes in this way. Each link is counted from now on."""

    way: Way
    after_bytes: int
    passed: dict[Link, int] = field(default_factory=dict)


@dataclass
class Weather:
    """What happens to every piece of every link. It is read anew for each piece."""

    silent: frozenset[Way] = frozenset()
    is_stalled: bool = False
    delay_seconds: float = 0
    bytes_per_second: float = 0
    trap: Trap | None = None


class End(asyncio.Protocol):
    """One of the two sockets of a link: the client's or the server's."""

    transport: asyncio.Transport

    def __init__(self, link: Link, way: Way) -> None:
        self._link = link
        self.way = way
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.is_open = True
        self._link.made(self)

    def data_received(self, data: bytes) -> None:
        self._link.carry(self.way, data)

    def eof_received(self) -> bool:
        self._link.carry(self.way, None)
        return True  # The other way goes on.

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._link.lost(exc)

    def pause_writing(self) -> None:
        self._link.let_read(self, allowed=False)

    def resume_writing(self) -> None:
        self._link.let_read(self, allowed=True)

    def reset(self) -> None:
        """Close the socket with a reset."""
        if self.is_open:
            one: socket.socket = self.transport.get_extra_info("socket")
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
            self.transport.abort()

    def close(self) -> None:
        """Close the socket with an end of file, after the bytes that were written to it."""
        if self.is_open:
            self.transport.close()


class Link:
    """A client's connection, the connection to the server that belongs to it, and the bytes between them."""

    def __init__(self, weather: Weather, connect: Callable[[Link], None], ended: Callable[[Link], None]) -> None:
        self._weather = weather
        self._connect = connect
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self.near = End(self, Way.REQUESTS)
        self.far = End(self, Way.REPLIES)
        self.forgotten = False
        """Whether all that comes is swallowed from now on for ever, an end of file too."""
        self.over = asyncio.Event()
        """Both connections have ended."""
        self._silenced: set[Way] = set()
        """The ways in which bytes were swallowed. No byte can follow there, since TCP lets no gap pass."""
        self._queued: dict[Way, deque[bytes | None]] = {way: deque() for way in Way}
        self._free_at = dict.fromkeys(Way, 0.0)
        self._ends_of_file = 0

    def made(self, end: End) -> None:
        """One of the two connections is made."""
        if end is self.near:
            # Nothing is read before there is a server to write to.
            end.transport.pause_reading()
            self._connect(self)
        elif self.near.is_open:
            self._set_reading(self.near, allowed=True)
            self._set_reading(self.far, allowed=True)
        else:
            end.close()

    def carry(self, way: Way, data: bytes | None) -> None:
        """Let through the bytes that an end has read, as the weather allows. None stands for the end of file."""
        if way in self._weather.silent:
            self._silenced.add(way)
        if self.forgotten or way in self._silenced:
            return
        trap = self._weather.trap
        if data is not None and trap is not None and trap.way is way:
            before = trap.passed.get(self, 0)
            trap.passed[self] = before + len(data)
            if trap.passed[self] > trap.after_bytes:
                self._weather.trap = None
                self._to(way).transport.write(data[: trap.after_bytes - before])
                self.reset()
                return
        if self._weather.delay_seconds or self._weather.bytes_per_second or self._queued[way]:
            self._queue(way, data)
        else:
            self._write(way, data)

    def lost(self, error: Exception | None) -> None:
        """One of the two connections has ended. The other ends in the same way, unless the link is forgotten."""
        if not self.forgotten:
            for end in (self.near, self.far):
                end.reset() if error is not None else end.close()
        if not (self.near.is_open or self.far.is_open):
            self.over.set()
            self._ended(self)

    def reset(self) -> None:
        """Send a reset to both sides at once."""
        self.near.reset()
        self.far.reset()

    def stall(self, *, on: bool) -> None:
        """Stop reading both sides, so that the bytes wait in the system, or go on reading them."""
        for end in (self.near, self.far):
            self._set_reading(end, allowed=not on)

    def let_read(self, written: End, *, allowed: bool) -> None:
        """Read the sender of the bytes for this end, or stop while this end takes no more."""
        self._set_reading(self.near if written is self.far else self.far, allowed=allowed)

    def _to(self, way: Way) -> End:
        return self.far if way is Way.REQUESTS else self.near

    def _queue(self, way: Way, data: bytes | None) -> None:
        """Let bytes wait for their time, behind those that wait already."""
        for piece in self._pieces(data):
            at = max(self._loop.time() + self._weather.delay_seconds, self._free_at[way])
            if piece is not None and self._weather.bytes_per_second:
                at += len(piece) / self._weather.bytes_per_second
            self._free_at[way] = at
            self._queued[way].append(piece)
            self._loop.call_at(at, self._write_next, way)
        self._let_read_by_queue(way)

    def _pieces(self, data: bytes | None) -> list[bytes | None]:
        if data is None or not self._weather.bytes_per_second:
            return [data]
        size = max(1, int(self._weather.bytes_per_second / _PIECES_A_SECOND))
        return [data[place : place + size] for place in range(0, len(data), size)]

    def _write_next(self, way: Way) -> None:
        self._write(way, self._queued[way].popleft())
        self._let_read_by_queue(way)

    def _write(self, way: Way, data: bytes | None) -> None:
        end = self._to(way)
        if self.forgotten or not end.is_open or end.transport.is_closing():
            return
        if data is not None:
            end.transport.write(data)
            return
        end.transport.write_eof()
        self._ends_of_file += 1
        if self._ends_of_file == len(Way):
            self.near.close()
            self.far.close()

    def _let_read_by_queue(self, way: Way) -> None:
        waiting = sum(len(piece or b"") for piece in self._queued[way])
        self._set_reading(self.near if way is Way.REQUESTS else self.far, allowed=waiting < _MOST_QUEUED_BYTES)

    def _set_reading(self, end: End, *, allowed: bool) -> None:
        if end.is_open and not end.transport.is_closing():
            # Without a server nothing can be written.
            if allowed and not self._weather.is_stalled and (self.far.is_open or self.forgotten):
                end.transport.resume_reading()
            else:
                end.transport.pause_reading()
