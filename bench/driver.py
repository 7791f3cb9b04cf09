"""A load driver that costs little: one process, raw HTTP/1.1 on a fixed number of connections."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOCUMENT = {
    "email": "",
    "password": "correct horse battery staple",
    "firstName": "John",
    "lastName": "Doe",
    "status": "ACTIVE",
    "tags": ["VIP"],
    "addresses": [
        {
            "name": "Work",
            "firstName": "John",
            "lastName": "Doe",
            "address_1": "1650 Bolman Court",
            "address_2": "Number 10",
            "postCode": "61701",
            "city": "Bloomington",
            "state": "Illinois",
            "country": "US",
            "company": "My Company",
            "phone": 2173203531,
            "instructions": "Some Instructions",
        }
    ],
}
"""The body that the method's documentation shows."""


@dataclass
class Load:
    """What came of a load."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The latency in seconds that this share of the requests stays under."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def signups(run: str) -> Callable[[int], bytes]:
    """The body of the n-th signup of a run: the documented one with an email of its own."""
    head, _, tail = json.dumps(DOCUMENT).partition('"email": ""')

    def body(number: int) -> bytes:
        return f'{head}"email": "{run}-{number}@example.com"{tail}'.encode()

    return body


@dataclass(frozen=True)
class Target:
    """Where to, with what headers."""

    port: int
    path: str
    headers: dict[str, str] = field(default_factory=dict)

    def request(self, body: bytes) -> bytes:
        """The request's bytes."""
        lines = [f"POST {self.path} HTTP/1.1", f"host: 127.0.0.1:{self.port}", "content-type: application/json"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append(f"content-length: {len(body)}\r\n\r\n")
        return "\r\n".join(lines).encode() + body


async def saturate(target: Target, body: Callable[[int], bytes], *, requests: int, connections: int) -> Load:
    """Send so many requests, each connection its next as soon as its last is answered."""
    load = Load()
    numbers = iter(range(requests))
    started = time.perf_counter()
    await asyncio.gather(*(_connection(target, body, numbers, load) for _ in range(connections)))
    load.seconds = time.perf_counter() - started
    return load


async def at_rate(target: Target, body: Callable[[int], bytes], *, per_second: float, seconds: float) -> Load:
    """Send requests at fixed times, whatever became of the ones before (no coordinated omission)."""
    load = Load()
    started = time.perf_counter()
    tasks = []
    for number in range(int(per_second * seconds)):
        due = started + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(_one(target, body(number), due, load)))
    await asyncio.gather(*tasks)
    load.seconds = time.perf_counter() - started
    return load


async def _connection(target: Target, body: Callable[[int], bytes], numbers: Iterator[int], load: Load) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    for number in numbers:
        sent = time.perf_counter()
        await _exchange(reader, writer, target.request(body(number)), sent, load)
    writer.close()


async def _one(target: Target, body: bytes, due: float, load: Load) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    await _exchange(reader, writer, target.request(body), due, load)
    writer.close()


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, since: float, load: Load
) -> None:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
    await reader.readexactly(length)
    status = int(head[9:12])
    load.statuses[status] = load.statuses.get(status, 0) + 1
    load.latencies.append(time.perf_counter() - since)
