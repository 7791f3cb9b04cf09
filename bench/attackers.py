"""Hostile and clumsy clients, all at once: `python -m bench.attackers PORT SECONDS` with a token on standard input.

Each one repeats what has brought a server of this kind down before. None is fast: what is looked for is what a little
traffic can do. A process of its own, so that its work is not counted as the service's or the measured client's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

_CREATE: Final = "/services/customer/v1/customer.create"
"""The path that takes signups."""

_RESULT: Final = f"{_CREATE}.result"
"""The path that answers results."""

_BODY_BYTES: Final = 250_000
"""Nearly the largest body that the shim takes."""

_ADDRESS: Final = dict.fromkeys(("name", "firstName", "address_1", "postCode", "city", "state"), "x")
"""The smallest valid address, but for its country."""


class Attackers:
    """All attacks, with the port and the token that they share."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token
        self.turns: dict[str, int] = {}

    def attacks(self) -> dict[Callable[[], Awaitable[None]], float]:
        """Each attack, with the seconds from one of its turns to the next."""
        return {
            self.structure_without_content: 0.5,
            self.a_header_that_backtracks: 0.5,
            self.a_body_as_large_as_may_be: 0.25,
            self.a_refusal_larger_than_the_request: 0.25,
            self.an_id_that_is_none: 0.25,
            self.a_token_too_long: 0.1,
            self.requests_in_one_segment: 2.0,
            self.a_reader_that_does_not_read: 0.5,
            self.a_head_in_drops: 0.2,
            self.a_body_in_drops: 0.5,
            self.a_silent_connection: 0.1,
            self.a_byte_too_many: 0.2,
            self.half_closed: 0.2,
            self.a_held_call_left_behind: 0.5,
            self.a_bad_chunk_after_expect: 0.5,
            self.no_http_at_all: 0.2,
        }

    async def run(self, seconds: float) -> None:
        """Attack for `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for attack, every_seconds in self.attacks().items():
                    group.create_task(self._repeat(attack, every_seconds))

    async def _repeat(self, attack: Callable[[], Awaitable[None]], every_seconds: float) -> None:
        name = getattr(attack, "__name__", "")
        async with asyncio.TaskGroup() as turns:
            while True:
                self.turns[name] = self.turns.get(name, 0) + 1
                # Some attacks keep a connection open. Such a turn must not delay the next one.
                turns.create_task(self._turn(attack))
                await asyncio.sleep(every_seconds)

    async def _turn(self, attack: Callable[[], Awaitable[None]]) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(60):
                await attack()

    async def structure_without_content(self) -> None:
        """JSON that consists of opening braces only."""
        await self._post(b'{"a":[' + b"{}," * (_BODY_BYTES // 3) + b"{}]}")

    async def a_header_that_backtracks(self) -> None:
        """A Prefer header for which a regular expression once needed 23 seconds."""
        await self._post(b"{}", f'Prefer: a={" " * 16_000}"\r\n')

    async def a_body_as_large_as_may_be(self) -> None:
        """A valid signup of 250 KB."""
        lines = ["x" * 1000] * 5
        addresses = [_ADDRESS | {"country": "US", "address_2": lines, "instructions": "y" * 900} for _ in range(40)]
        document = {"email": "x@x", "password": "p", "firstName": "a", "lastName": "b", "addresses": addresses}
        await self._post(json.dumps(document).encode())

    async def a_refusal_larger_than_the_request(self) -> None:
        """A small body with very many faults."""
        await self._post(b'{"addresses":[' + b",".join([b"{}"] * 50) + b"]}")

    async def an_id_that_is_none(self) -> None:
        """Waits for a result that cannot exist."""
        body = json.dumps({"id": "x" * 200_000, "wait": 60}).encode()
        await self._post(body, path=_RESULT)

    async def a_token_too_long(self) -> None:
        """A token that costs more to check than to make."""
        await self._send(
            f"GET {_RESULT}?id=x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {'x.' * 20_000}\r\n\r\n".encode()
        )

    async def requests_in_one_segment(self) -> None:
        """Thousands of requests whose answers are not read."""
        async with self._connection() as (reader, writer):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 9_000)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(10):
                    while await reader.read(1 << 16):
                        pass

    async def a_reader_that_does_not_read(self) -> None:
        """A client that asks for large answers and reads none of them."""
        loop = asyncio.get_running_loop()
        with socket.socket() as raw:
            raw.setblocking(False)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await loop.sock_connect(raw, ("127.0.0.1", self._port))
            await loop.sock_sendall(raw, b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
            await asyncio.sleep(50)

    async def a_head_in_drops(self) -> None:
        """A head that is sent at a byte a second."""
        await self._drip(b"GET /healthz HTTP/1.1\r\nHost: " + b"x" * 100)

    async def a_body_in_drops(self) -> None:
        """A body that is sent at a byte a second."""
        await self._drip(b"{" * 50, first=self._head(1000))

    async def a_silent_connection(self) -> None:
        """A connection on which nothing is sent."""
        async with self._connection():
            await asyncio.sleep(50)

    async def a_byte_too_many(self) -> None:
        """A Content-Length that was counted in characters."""
        body = '{"email":"ä@x"}'.encode()
        await self._send(self._head(len(body) - 1) + body)

    async def half_closed(self) -> None:
        """A client that closes its half after the request."""
        async with self._connection() as (reader, writer):
            writer.write(self._head(2) + b"{}")
            writer.write_eof()
            await reader.read()

    async def a_held_call_left_behind(self) -> None:
        """A call that waits and another behind it, from a client that has gone."""
        async with self._connection() as (_, writer):
            held = f"GET {_RESULT}?id={'0' * 22}&wait=60 HTTP/1.1\r\nHost: x\r\n{self._authorization}\r\n".encode()
            writer.write(held + held)
            await writer.drain()
            await asyncio.sleep(1)

    async def a_bad_chunk_after_expect(self) -> None:
        """A chunk whose size is not a number, after `Expect: 100-continue`."""
        head = f"POST {_CREATE} HTTP/1.1\r\nHost: x\r\n{self._authorization}Content-Type: application/json\r\n"
        await self._send(f"{head}Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\nzz\r\n".encode())

    async def no_http_at_all(self) -> None:
        """The first bytes of TLS, and a line of 60 KB."""
        await self._send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 60_000)

    @property
    def _authorization(self) -> str:
        return f"Authorization: Bearer {self._token}\r\n"

    def _head(self, length: int, more: str = "", *, path: str = _CREATE) -> bytes:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
        return f"{head}{self._authorization}{more}\r\n".encode()

    async def _post(self, body: bytes, more: str = "", *, path: str = _CREATE) -> None:
        await self._send(self._head(len(body), more, path=path) + body)

    async def _send(self, request: bytes) -> None:
        async with self._connection() as (reader, writer):
            writer.write(request)
            await reader.readuntil(b"\r\n\r\n")

    async def _drip(self, text: bytes, *, first: bytes = b"") -> None:
        async with self._connection() as (_, writer):
            writer.write(first)
            for byte in text:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            yield reader, writer
        finally:
            writer.close()


def main() -> None:
    """Attack, then print how often each attack began."""
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    attackers = Attackers(port, sys.stdin.readline().strip())
    began = time.monotonic()
    asyncio.run(attackers.run(seconds))
    print(json.dumps({"seconds": time.monotonic() - began, "turns": attackers.turns}))


if __name__ == "__main__":
    main()
