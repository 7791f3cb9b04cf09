"""Waiting calls hear of outcomes over one connection, whatever becomes of it, on uvloop and a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
import structlog
import uvloop
from redis.asyncio import ConnectionPool

from api_shim.broker.pubsub import PROTOCOL
from api_shim.intake.subscription import OutcomeSubscription
from schemas.protocol.keys import result_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator

    from local_stack.redis_server import RedisServer
    from startup.broker.redis_refusals import Refusal
    from tests.conftest import Servers

_SECONDS = 20


@pytest.fixture
def server(stack: Servers) -> RedisServer:
    """A real one."""
    return stack.redis


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    """Another client of it."""
    with redis.Redis.from_url(server.url) as client:
        yield client


def run(test: Coroutine[Any, Any, None]) -> None:
    """On the event loop that serves; what it says of a reset connection differs from asyncio's own."""

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await test

    with structlog.testing.capture_logs(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(bounded())


class Link:
    """A relay to Redis whose connections can be reset or made to swallow everything."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._near: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.swallows = False
        self.made = 0

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def reset(self) -> None:
        """As a load balancer does that has forgotten a connection: RST, and no word."""
        for near in self._near:
            raw = near.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            near.transport.abort()
        self._near.clear()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        self._near.append(writer)
        task = asyncio.create_task(self._relay(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        swallows = self.swallows
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)

        async def pump(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
            while data := await source.read(1 << 16):
                if not (self.swallows or swallows):
                    to.write(data)
            raise ConnectionResetError

        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(pump(reader, far_writer))
                pumps.create_task(pump(far_reader, writer))
        except* OSError:
            pass
        finally:
            # Both before anything is awaited: this task may be cancelled there.
            far_writer.close()
            writer.close()
            for each in (far_writer, writer):
                with contextlib.suppress(OSError):
                    await each.wait_closed()


@contextlib.asynccontextmanager
async def listening(server: RedisServer, port: int | None = None) -> AsyncIterator[OutcomeSubscription]:
    url = server.url if port is None else server.url.replace(f":{server.port}", f":{port}")
    pool = ConnectionPool.from_url(url, protocol=PROTOCOL, socket_timeout=None)
    subscription = OutcomeSubscription(pool, maximum_listeners=100_000)
    subscription.start()
    try:
        await until(lambda: subscription.expect("x").channel != "")
        yield subscription
    finally:
        await subscription.close()
        await pool.aclose()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(_SECONDS):
        while not condition():  # noqa: ASYNC110 - what is waited for is of another process
            await asyncio.sleep(0.01)


async def hear(
    subscription: OutcomeSubscription, task_id: str, publish: Callable[[], Awaitable[object]]
) -> bytes | None:
    """What a call that waits for this task hears when its outcome is published."""
    async with subscription.listen(task_id) as listener:
        await publish()
        return await listener.wait(_SECONDS)


async def publish_in_thread(client: redis.Redis, task_id: str) -> None:
    await asyncio.to_thread(client.publish, result_key(task_id), b"outcome of " + task_id.encode())


def test_a_call_hears_what_is_published_of_its_task(server: RedisServer, client: redis.Redis) -> None:
    async def test() -> None:
        async with listening(server) as subscription:
            assert await hear(subscription, "a", lambda: publish_in_thread(client, "a")) == b"outcome of a"

    run(test())


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_a_connection_that_is_reset_is_made_anew_and_heard_on(
    server: RedisServer, client: redis.Redis, busy: bool
) -> None:
    async def test() -> None:
        link = Link(server.port)
        async with link.serving() as port, listening(server, port) as subscription:
            for number in range(5):
                connections = link.made
                async with contextlib.AsyncExitStack() as calls:
                    if busy:
                        for each in range(20):
                            await calls.enter_async_context(subscription.listen(f"busy-{number}-{each}"))
                    link.reset()
                await until(lambda connections=connections: link.made > connections)  # type: ignore[misc]
                await until(lambda: subscription.expect("x").channel != "")
                task_id = f"task-{number}"
                heard = await hear(subscription, task_id, lambda task_id=task_id: publish_in_thread(client, task_id))  # type: ignore[misc]
                assert heard == f"outcome of {task_id}".encode()
            assert subscription.task.alive

    run(test())


def test_a_call_that_waits_through_a_reset_is_told_to_look_for_itself(server: RedisServer) -> None:
    async def test() -> None:
        link = Link(server.port)
        async with (
            link.serving() as port,
            listening(server, port) as subscription,
            subscription.listen("waits") as listener,
        ):
            link.reset()
            # Nothing was heard: the call reads the record, since it may have missed its outcome.
            async with asyncio.timeout(_SECONDS):
                assert await listener.wait(10 * _SECONDS) is None

    run(test())


def test_a_connection_that_swallows_everything_is_noticed_and_said(server: RedisServer, client: redis.Redis) -> None:
    async def test() -> None:
        link = Link(server.port)
        async with link.serving() as port, listening(server, port) as subscription:
            link.swallows = True
            with structlog.testing.capture_logs() as lines:
                await until(lambda: any(line["event"] == "subscription_lost" for line in lines))
            link.swallows = False
            await until(lambda: subscription.expect("x").channel != "")
            assert await hear(subscription, "a", lambda: publish_in_thread(client, "a")) == b"outcome of a"

    run(test())


def test_another_connection_is_made_when_the_server_is_no_longer_the_right_one(server: RedisServer) -> None:
    async def test() -> None:
        link = Link(server.port)
        async with link.serving() as port, listening(server, port) as subscription:
            connections = link.made
            subscription.renew()
            await until(lambda: link.made > connections)
            await until(lambda: subscription.expect("x").channel != "")

    run(test())


def test_a_server_that_refuses_subscriptions_is_told_by_the_refusal_s_name(
    server: RedisServer, client: redis.Redis
) -> None:
    client.execute_command("ACL", "SETUSER", "deaf", "on", ">secret", "~*", "+@all", "-subscribe", "&*")

    async def test() -> None:
        pool = redis.asyncio.ConnectionPool(
            port=server.port, username="deaf", password="secret", protocol=PROTOCOL, socket_timeout=None
        )
        refused: list[Refusal] = []
        subscription = OutcomeSubscription(pool, maximum_listeners=1, on_refused=refused.append)
        subscription.start()
        await until(lambda: len(refused) > 1)
        assert {each.code for each in refused} == {"NOPERM"}
        assert subscription.task.alive
        await subscription.close()
        await pool.aclose()

    try:
        run(test())
    finally:
        client.execute_command("ACL", "DELUSER", "deaf")


async def wait_for(subscription: OutcomeSubscription, task_ids: list[str]) -> None:
    async def once(task_id: str) -> None:
        async with subscription.listen(task_id) as listener:
            assert await listener.wait(0) is None

    await asyncio.gather(*(once(task_id) for task_id in task_ids))


def resident_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


@pytest.mark.parametrize("waits", [2_000, pytest.param(50_000, marks=pytest.mark.slow)])
def test_a_wait_that_is_over_leaves_nothing_behind(server: RedisServer, client: redis.Redis, waits: int) -> None:
    async def test() -> None:
        async with listening(server) as subscription:

            async def turn(first: int, count: int) -> None:
                for start in range(first, first + count, 500):
                    await wait_for(subscription, [f"{start + each:022}" for each in range(500)])
                # What was left is left in Redis as well, a second later.
                await until(lambda: client.pubsub_channels("celery-task-meta-*") == [])

            await turn(0, waits // 2)
            held = resident_kib()
            await turn(waits // 2, waits // 2)
            # What each of them used to leave was 0.36 KiB.
            assert resident_kib() - held < max(512, 0.1 * waits / 2)

    run(test())
