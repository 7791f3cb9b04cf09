"""A load driver: one process, raw HTTP/1.1, uvloop. It uses little CPU, since it shares it with the service."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Request = Callable[[int], bytes]


@dataclass
class Load:
    """The answers to a load."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    bodies: list[bytes] | None = None
    """Kept only where asked for."""

    @property
    def per_second(self) -> float:
        """How many answers came a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The latency in seconds below which this share of the requests was answered."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def add(self, status: int, body: bytes, since: float) -> None:
        """Count one answer."""
        self.latencies.append(time.perf_counter() - since)
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if self.bodies is not None:
            self.bodies.append(body)


def saturate(port: int, request: Request, *, requests: int, connections: int, keep_bodies: bool = False) -> Load:
    """Send `requests`. Each connection sends its next one as soon as its last one is answered."""
    load = Load(bodies=[] if keep_bodies else None)
    return _run(_saturate(port, request, requests, connections, load), load)


def at_rate(port: int, request: Request, *, per_second: float, seconds: float) -> Load:
    """Send requests at fixed times, answered or not. Latency counts from the time at which each was due."""
    load = Load()
    return _run(_at_rate(port, request, per_second, max(1, int(per_second * seconds)), load), load)


def _run(driving: Coroutine[None, None, None], load: Load) -> Load:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(driving)
    return load


class _Connection(asyncio.Protocol):
    """One kept-alive connection with at most one open request."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._on_answer: Callable[[int, bytes], None] | None = None
        self.broken = asyncio.get_running_loop().create_future()

    @property
    def open(self) -> bool:
        """Whether the server still has the connection open."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop has a class of its own for it

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        if self._on_answer is not None and not self.broken.done():
            self.broken.set_exception(ConnectionError("closed while a request was on its way"))

    def send(self, request: bytes, on_answer: Callable[[int, bytes], None]) -> None:
        """Send a request. Its status and body are passed to the callback."""
        assert self._transport is not None
        self._on_answer = on_answer
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data if self._received else data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = int(received[:end].lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(received) < end + 4 + length:
            return
        self._received = b""
        on_answer, self._on_answer = self._on_answer, None
        if on_answer is not None:
            on_answer(int(received[9:12]), received[end + 4 :])

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()


async def _connect(port: int) -> _Connection:
    _, connection = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", port)
    return connection


async def _saturate(port: int, request: Request, requests: int, connections: int, load: Load) -> None:
    opened = [await _connect(port) for _ in range(min(connections, requests))]
    numbers = iter(range(requests))
    all_answered = asyncio.get_running_loop().create_future()

    def send_next(connection: _Connection) -> None:
        number = next(numbers, None)
        if number is None:
            if len(load.latencies) == requests and not all_answered.done():
                all_answered.set_result(None)
            return
        since = time.perf_counter()

        def on_answer(status: int, body: bytes) -> None:
            load.add(status, body, since)
            send_next(connection)

        connection.send(request(number), on_answer)

    started = time.perf_counter()
    for connection in opened:
        send_next(connection)
    await _first_of(all_answered, opened)
    load.seconds = time.perf_counter() - started
    for connection in opened:
        connection.close()


async def _at_rate(port: int, request: Request, per_second: float, requests: int, load: Load) -> None:
    idle: list[_Connection] = []
    opened: list[_Connection] = []
    tasks: set[asyncio.Task[None]] = set()
    all_answered = asyncio.get_running_loop().create_future()

    async def send(number: int, due: float) -> None:
        while idle:
            # Take the one that was used last. The server closes the others once they are idle.
            connection = idle.pop()
            if connection.open:
                break
        else:
            connection = await _connect(port)
            opened.append(connection)

        def on_answer(status: int, body: bytes) -> None:
            load.add(status, body, due)
            idle.append(connection)
            if len(load.latencies) == requests:
                all_answered.set_result(None)

        connection.send(request(number), on_answer)

    started = time.perf_counter()
    for number in range(requests):
        due = started + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(send(number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    await _first_of(all_answered, opened)
    load.seconds = time.perf_counter() - started
    for connection in opened:
        connection.close()


async def _first_of(all_answered: asyncio.Future[None], opened: list[_Connection]) -> None:
    """Wait for the last answer. Raises the exception that broke a connection, if one did."""
    broken = [each.broken for each in opened]
    done, _ = await asyncio.wait([all_answered, *broken], return_when=asyncio.FIRST_COMPLETED)
    for each in done:
        each.result()
