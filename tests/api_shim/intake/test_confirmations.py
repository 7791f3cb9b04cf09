"""A call looks for its outcome only once Redis has confirmed that it hears the channel."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import pytest
import redis
from redis.asyncio import ConnectionPool

from api_shim.broker.pubsub import PROTOCOL
from api_shim.intake.subscription import OutcomeSubscription
from schemas.protocol.keys import result_key
from tests.faults.harness.tcp_proxy import TcpProxy
from tests.support.broker import run, until, waits
from tests.support.streams import closed_after

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Servers

_SECONDS: Final = 20


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a call wait for the confirmation for longer than a test takes."""
    monkeypatch.setattr("api_shim.intake.subscription._CONFIRM_SECONDS", 10 * _SECONDS)


@contextlib.asynccontextmanager
async def _listening(url: str) -> AsyncIterator[OutcomeSubscription]:
    pool = ConnectionPool.from_url(url, protocol=PROTOCOL, socket_timeout=None)
    subscription = OutcomeSubscription(pool, maximum_listeners=100)
    subscription.start()
    try:
        await until(lambda: _own_channel(subscription), what="the connection hears")
        yield subscription
    finally:
        await subscription.close()
        await pool.aclose()


def _own_channel(subscription: OutcomeSubscription) -> str:
    """The channel of the process. Empty while it is not heard."""
    with contextlib.closing(subscription.expect("x")) as listener:
        return listener.channel


class _Call:
    """A call that waits for a task."""

    def __init__(self, subscription: OutcomeSubscription, task_id: str) -> None:
        self.looks = asyncio.Event()
        """Set once the call would read its task's record."""
        self.heard: list[bytes] = []
        self._subscription = subscription
        self._task_id = task_id
        self.task = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        async with self._subscription.listen(self._task_id) as listener:
            self.looks.set()
            while not self.heard:
                if (published := await listener.wait(_SECONDS)) is not None:
                    self.heard.append(published)


async def _end(*calls: _Call) -> None:
    for call in calls:
        call.task.cancel()
    await asyncio.gather(*(call.task for call in calls), return_exceptions=True)


def test_a_call_that_comes_while_there_is_no_connection_waits_for_the_next_one(stack: Servers) -> None:
    server = stack.redis

    async def test() -> None:
        with TcpProxy(server.port) as proxy, redis.Redis.from_url(server.url) as client:
            async with _listening(server.url.replace(f":{server.port}", f":{proxy.port}")) as subscription:
                first = _Call(subscription, "a")
                await first.looks.wait()
                proxy.refusing = True
                proxy.reset()
                await until(lambda: not _own_channel(subscription), what="the connection is lost")

                second = _Call(subscription, "a")
                await until(lambda: waits(second.task), what="the call waits")
                assert not second.looks.is_set()

                proxy.refusing = False
                await second.looks.wait()
                await asyncio.to_thread(client.publish, result_key("a"), b"outcome")
                await until(lambda: second.heard)
                assert second.heard == [b"outcome"]
                await _end(first, second)

    run(test)


class _SlowRedis:
    """A server that confirms the channel of the process at once, and other channels when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        """Each SUBSCRIBE and UNSUBSCRIBE, in their order."""
        self._writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        self._writer = writer
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            async with closed_after(writer):
                while True:
                    kind, *names = await _command(reader)
                    if kind == "PING":
                        self.send("pong", "")
                    elif kind in {"SUBSCRIBE", "UNSUBSCRIBE"}:
                        self.asked.append((kind, *names))
                        if len(self.asked) == 1:
                            self.send("subscribe", names[0], 1)
                    else:
                        writer.write(b"+OK\r\n")

    def send(self, *parts: str | int) -> None:
        """Send an array of these values."""
        assert self._writer is not None
        items = (f":{each}\r\n" if isinstance(each, int) else f"${len(each)}\r\n{each}\r\n" for each in parts)
        self._writer.write(f"*{len(parts)}\r\n{''.join(items)}".encode())


@contextlib.asynccontextmanager
async def _serving(slow: _SlowRedis) -> AsyncIterator[str]:
    """Serve, and yield the URL. The server is closed whatever fails, since the event loop would not end before."""
    server = await asyncio.start_server(slow.serve, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def _command(reader: asyncio.StreamReader) -> list[str]:
    count = int((await reader.readuntil(b"\r\n"))[1:])
    parts = []
    for _ in range(count):
        size = int((await reader.readuntil(b"\r\n"))[1:])
        parts.append((await reader.readexactly(size + 2))[:-2].decode())
    return parts


def test_a_confirmation_that_is_older_than_the_unsubscribe_does_not_count_for_the_next_call() -> None:
    async def test() -> None:
        slow, name = _SlowRedis(), result_key("a")
        async with _serving(slow) as url, _listening(url) as subscription:
            first = _Call(subscription, "a")
            await until(lambda: slow.asked[1:] == [("SUBSCRIBE", name)])
            await _end(first)
            await until(lambda: slow.asked[2:] == [("UNSUBSCRIBE", name)])
            second = _Call(subscription, "a")
            await until(lambda: slow.asked[3:] == [("SUBSCRIBE", name)])

            slow.send("subscribe", name, 2)
            await _heard_on_own_channel(subscription, slow)
            assert not second.looks.is_set()

            slow.send("unsubscribe", name, 1)
            slow.send("subscribe", name, 2)
            await _heard_on_own_channel(subscription, slow)
            assert second.looks.is_set()
            slow.send("message", name, "outcome")
            await until(lambda: second.heard)
            assert second.heard == [b"outcome"]

    run(test)


async def _heard_on_own_channel(subscription: OutcomeSubscription, slow: _SlowRedis) -> None:
    """Return once everything that was sent so far has been read, and whoever waited for it has run.

    The second message is sent after the first was read, so that what the first reading woke up runs before it is read.
    """
    for _ in range(2):
        with contextlib.closing(subscription.expect("marker")) as marker:
            slow.send("message", marker.channel, "marker read")
            assert await marker.wait(_SECONDS) == b"read"
