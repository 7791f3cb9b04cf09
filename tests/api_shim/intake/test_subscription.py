"""Waiting calls hear of outcomes over one connection, also where it is lost. With uvloop and a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING

import pytest
import redis
from redis.asyncio import ConnectionPool

from api_shim.broker.pubsub import PROTOCOL
from api_shim.intake.subscription import OutcomeSubscription
from schemas.protocol.keys import result_key
from tests.faults.harness.tcp_proxy import TcpProxy, Way
from tests.support.broker import run, until, waits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from local_stack.redis_server import RedisServer
    from startup.broker.redis_refusals import Refusal
    from tests.conftest import Servers

_SECONDS = 20


@pytest.fixture
def server(stack: Servers) -> RedisServer:
    """A real Redis."""
    return stack.redis


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    """Another client of this Redis."""
    with redis.Redis.from_url(server.url) as client:
        yield client


@contextlib.asynccontextmanager
async def listening(
    server: RedisServer, port: int | None = None, *, maximum_listeners: int = 100_000
) -> AsyncIterator[OutcomeSubscription]:
    url = server.url if port is None else server.url.replace(f":{server.port}", f":{port}")
    pool = ConnectionPool.from_url(url, protocol=PROTOCOL, socket_timeout=None)
    subscription = OutcomeSubscription(pool, maximum_listeners=maximum_listeners)
    subscription.start()
    try:
        await until(lambda: hears(subscription))
        yield subscription
    finally:
        await subscription.close()
        await pool.aclose()


def hears(subscription: OutcomeSubscription) -> bool:
    """Whether the channel of the process is heard, so that a call that makes a task now could hear by it."""
    with contextlib.closing(subscription.expect("x")) as listener:
        return listener.channel != ""


async def hear(
    subscription: OutcomeSubscription, task_id: str, publish: Callable[[], Awaitable[object]]
) -> bytes | None:
    """Publish an outcome. Returns what a call that waits for this task hears."""
    async with subscription.listen(task_id) as listener:
        await publish()
        return await listener.wait(_SECONDS)


async def publish_in_thread(client: redis.Redis, task_id: str) -> None:
    await asyncio.to_thread(client.publish, result_key(task_id), b"outcome of " + task_id.encode())


def test_a_call_hears_the_outcome_that_is_published_for_its_task(server: RedisServer, client: redis.Redis) -> None:
    async def test() -> None:
        async with listening(server) as subscription:
            assert await hear(subscription, "a", lambda: publish_in_thread(client, "a")) == b"outcome of a"

    run(test)


async def lost_and_made_anew(subscription: OutcomeSubscription, lose: Callable[[], object]) -> None:
    """Lose the connection. The calls that wait are woken once another connection hears."""
    async with subscription.listen("witness") as witness:
        lose()
        # Nothing was heard. The call will read the record, since it may have missed its outcome.
        assert await witness.wait(_SECONDS) is None
    assert hears(subscription)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_where_the_connection_is_reset_a_new_one_is_made_and_heard(
    server: RedisServer, client: redis.Redis, busy: bool
) -> None:
    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with listening(server, proxy.port) as subscription:
                for number in range(5):
                    async with contextlib.AsyncExitStack() as calls:
                        if busy:
                            for each in range(20):
                                await calls.enter_async_context(subscription.listen(f"busy-{number}-{each}"))
                        await lost_and_made_anew(subscription, proxy.reset)
                    task_id = f"task-{number}"
                    heard = await hear(subscription, task_id, partial(publish_in_thread, client, task_id))
                    assert heard == f"outcome of {task_id}".encode()
                assert subscription.task.alive

    run(test)


def test_an_outcome_that_is_cut_off_in_the_middle_is_not_taken_for_an_outcome(
    server: RedisServer, client: redis.Redis
) -> None:
    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with listening(server, proxy.port) as subscription, subscription.listen("large") as listener:
                proxy.reset_after(Way.REPLIES, 100_000)
                await asyncio.to_thread(client.publish, result_key("large"), b"x" * 1_000_000)
                assert await listener.wait(_SECONDS) is None
                assert not proxy.reset_awaited
                await asyncio.to_thread(client.publish, result_key("large"), b"x" * 1_000_000)
                assert await listener.wait(_SECONDS) == b"x" * 1_000_000

    run(test)


@pytest.mark.parametrize("server_notices", [False, True], ids=["nobody notices", "the server notices"])
def test_a_half_open_connection_is_noticed_and_logged_and_a_new_one_is_made(
    server: RedisServer, client: redis.Redis, server_notices: bool
) -> None:
    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with listening(server, proxy.port) as subscription:
                await lost_and_made_anew(subscription, lambda: proxy.forget(server_notices=server_notices))
                assert await hear(subscription, "a", lambda: publish_in_thread(client, "a")) == b"outcome of a"

    assert [line["event"] for line in run(test)] == ["subscription_lost"]


def test_another_connection_is_made_when_the_server_is_no_longer_the_right_one(server: RedisServer) -> None:
    async def test() -> None:
        async with listening(server) as subscription:
            await lost_and_made_anew(subscription, subscription.renew)

    run(test)


def test_each_of_two_calls_that_wait_for_one_task_hears_its_outcome(server: RedisServer, client: redis.Redis) -> None:
    async def test() -> None:
        async with listening(server) as subscription, subscription.listen("a") as stays:
            async with subscription.listen("a"):
                assert subscription.listening == 2
            async with subscription.listen("a") as second:
                await publish_in_thread(client, "a")
                heard = await asyncio.gather(stays.wait(_SECONDS), second.wait(_SECONDS))
            assert list(heard) == [b"outcome of a", b"outcome of a"]

    run(test)


def test_a_channel_is_left_when_no_call_waits_any_more_and_kept_for_a_call_that_comes_in_time(
    server: RedisServer, client: redis.Redis
) -> None:
    def subscribed(*task_ids: str) -> list[int]:
        return [count for _, count in client.pubsub_numsub(*map(result_key, task_ids))]

    async def test() -> None:
        async with listening(server) as subscription:
            async with subscription.listen("left"), subscription.listen("kept"):
                assert subscribed("left", "kept") == [1, 1]
            async with subscription.listen("kept") as listener:
                await until(lambda: subscribed("left") == [0], what="the idle channel is left")
                await publish_in_thread(client, "kept")
                assert await listener.wait(_SECONDS) == b"outcome of kept"

    run(test)


def test_a_call_that_makes_its_task_hears_over_the_channel_of_the_process(
    server: RedisServer, client: redis.Redis
) -> None:
    async def test() -> None:
        async with listening(server) as subscription:
            with contextlib.closing(subscription.expect("a")) as first, contextlib.closing(subscription.expect("b")):
                await asyncio.to_thread(client.publish, first.channel, b"a the outcome")
                assert await first.wait(_SECONDS) == b"the outcome"
            assert subscription.listening == 0

    run(test)


def test_a_call_that_finds_no_room_does_not_wait(server: RedisServer) -> None:
    async def test() -> None:
        async with listening(server, maximum_listeners=1) as subscription, subscription.listen("a") as admitted:
            assert admitted.worth_waiting
            async with subscription.listen("b") as turned_away:
                assert not turned_away.worth_waiting
            with contextlib.closing(subscription.expect("c")) as expected:
                assert (expected.channel, expected.worth_waiting) == ("", False)
            assert subscription.listening == 1

    run(test)


def test_draining_ends_every_wait_and_lets_no_further_call_wait(server: RedisServer) -> None:
    async def test() -> None:
        async with listening(server) as subscription, subscription.listen("a") as listener:
            with contextlib.closing(subscription.expect("b")) as expected:
                waiting = [asyncio.ensure_future(each.wait(10 * _SECONDS)) for each in (listener, expected)]
                await until(lambda: all(waits(each) for each in waiting), what="both wait")
                subscription.drain()
                async with asyncio.timeout(_SECONDS):
                    assert await asyncio.gather(*waiting) == [None, None]
            assert not listener.worth_waiting
            async with subscription.listen("c") as late:
                assert not late.worth_waiting
            assert not hears(subscription)

    run(test)


def test_where_redis_refuses_subscriptions_the_name_of_the_refusal_is_logged(
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
        run(test)
    finally:
        client.execute_command("ACL", "DELUSER", "deaf")


def test_a_subscription_that_is_closed_as_its_connection_is_lost_ends(server: RedisServer) -> None:
    """The task once kept the cancellation to itself, connected anew, and held up the end of its process for good."""

    async def test() -> None:
        async with listening(server) as subscription:
            subscription.renew()
            # A task begins once the connection has been told to end, and before the connection's tasks have ended.
            await asyncio.create_task(subscription.close())
            assert not subscription.task.alive

    run(test)


async def wait_for(subscription: OutcomeSubscription, task_ids: list[str]) -> None:
    async def once(task_id: str) -> None:
        async with subscription.listen(task_id) as listener:
            assert await listener.wait(0) is None

    await asyncio.gather(*(once(task_id) for task_id in task_ids))


def held_kib() -> float:
    # What Python holds, not what is resident: the arenas of the allocator differ by more than such a leak.
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / 1024


@pytest.mark.parametrize("waits", [2_000, pytest.param(50_000, marks=pytest.mark.slow)])
def test_a_wait_that_is_over_leaves_neither_memory_nor_channels_behind(
    server: RedisServer, client: redis.Redis, waits: int
) -> None:
    async def test() -> None:
        async with listening(server) as subscription:

            async def turn(first: int, count: int) -> None:
                for start in range(first, first + count, 500):
                    await wait_for(subscription, [f"{start + each:022}" for each in range(500)])
                # A second later Redis has left these channels as well.
                await until(lambda: client.pubsub_channels("celery-task-meta-*") == [])

            await turn(0, waits // 2)
            held = held_kib()
            await turn(waits // 2, waits // 2)
            # Each wait used to leave 0.36 KiB.
            assert held_kib() - held < 0.1 * waits / 2

    tracemalloc.start()
    try:
        run(test)
    finally:
        tracemalloc.stop()
