"""Which requests are accepted while Redis stands still, is replaced, or must not be trusted with promises."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from api_shim.broker.broker_errors import BrokerRefusedError, BrokerUnavailableError
from api_shim.intake.accept import AcceptedTask
from schemas.ids import new_task_id
from schemas.protocol.keys import OPEN_KEY, QUEUE, record_key
from schemas.protocol.steps.accepting import RateLimited
from startup.broker.redis_requirements import EVICTS
from tests.faults.harness.tcp_proxy import TcpProxy, Way
from tests.support.broker import ask, connected, keys_of, run, until, until_it_does

if TYPE_CHECKING:
    from tests.support.broker import Brokers


def test_a_request_that_redis_reads_only_after_the_answer_is_not_accepted(brokers: Brokers) -> None:
    """A stalled Redis once accepted it after the 503. So the client's next try got `duplicate_key`."""
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port, timeout_seconds=0.3, accept_seconds=0.7) as broker:
            assert isinstance(await broker.accept(new_task_id()), AcceptedTask)
            before = keys_of(server)
            server.process.pause()
            try:
                with pytest.raises(BrokerUnavailableError):
                    await broker.accept(new_task_id())
            finally:
                server.process.resume()
            # Redis reads the connections that were given up before it reads a later one.
            assert isinstance(await broker.accept(new_task_id()), AcceptedTask)
            assert len(keys_of(server) - before) == 1
            assert ask(server, "LLEN", QUEUE) == 2

    run(test)


def test_where_redis_stands_still_for_longer_than_one_call_may_take_the_call_is_made_again(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port, timeout_seconds=0.5, accept_seconds=20) as broker:
            await broker.calls.command("PING")
            server.process.pause()
            try:
                accepting = asyncio.ensure_future(broker.accept(new_task_id()))
                await until(broker.failures, what="a call has had all of its time")
            finally:
                server.process.resume()
            assert isinstance(await accepting, AcceptedTask)
            assert (ask(server, "LLEN", QUEUE), ask(server, "ZCARD", OPEN_KEY)) == (1, 1)

    run(test)


def test_a_request_whose_answer_is_lost_is_accepted_once(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with connected(proxy.port) as broker:
                await broker.accept(new_task_id())
                proxy.reset_after(Way.REPLIES, 0)
                accepted = await broker.accept(new_task_id())
                assert isinstance(accepted, AcceptedTask)
                assert not accepted.repeated
            assert ask(server, "LLEN", QUEUE) == 2

    run(test)


@pytest.mark.parametrize("hours", [-1, 1])
def test_where_the_clock_of_redis_was_set_the_clocks_are_compared_again(brokers: Brokers, hours: int) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            await broker.calls.command("PING")
            link = broker.calls._link  # noqa: SLF001 - no server's clock can be set here: so ours is
            assert link is not None
            link._ahead_milliseconds -= 3_600_000 * hours  # noqa: SLF001
            assert isinstance(await broker.accept(new_task_id()), AcceptedTask)

    lines = run(test)
    assert {line.get("code") for line in lines} == ({"late"} if hours > 0 else set())


def test_no_request_is_refused_while_a_primary_is_demoted(brokers: Brokers) -> None:
    old = brokers.start()
    new = brokers.start(replica_of=old)

    async def test() -> None:
        with TcpProxy(old.port) as proxy:
            async with connected(proxy.port) as broker:
                await broker.accept(new_task_id())
                await until(lambda: broker.calls._link and broker.calls._link.age_seconds > 1)  # noqa: SLF001
                proxy.retarget(new.port)
                ask(new, "REPLICAOF", "NO", "ONE")
                ask(old, "REPLICAOF", "127.0.0.1", new.port)
                task_id = new_task_id()
                assert isinstance(await broker.accept(task_id), AcceptedTask)
            assert record_key(task_id) in keys_of(new)

    run(test)


def test_where_redis_evicts_no_request_is_accepted_until_that_is_mended(brokers: Brokers) -> None:
    server = brokers.start("maxmemory 100mb", "maxmemory-policy allkeys-lru")

    async def test() -> None:
        async with connected(server.port) as broker:
            for _ in range(3):
                with pytest.raises(BrokerRefusedError) as raised:
                    await broker.accept(new_task_id())
                assert raised.value.refusal.code == EVICTS
            assert keys_of(server) == set()
            assert await broker.watch.missing() == [EVICTS]
            assert broker.count("intake_redis_finding", finding=EVICTS) == 1
            ask(server, "CONFIG", "SET", "maxmemory-policy", "noeviction")
            assert await broker.watch.missing() == []
            assert isinstance(await broker.accept(new_task_id()), AcceptedTask)
            assert broker.count("intake_redis_finding", finding=EVICTS) == 0

    lines = run(test)
    assert [line["finding"] for line in lines if line["event"] == "redis_finding"] == [EVICTS]


def test_where_redis_evicts_and_the_settings_allow_it_requests_are_accepted_and_a_warning_is_logged(
    brokers: Brokers,
) -> None:
    server = brokers.start("maxmemory 100mb", "maxmemory-policy allkeys-lru")

    async def test() -> None:
        async with connected(server.port, allowed={EVICTS}) as broker:
            assert isinstance(await broker.accept(new_task_id()), AcceptedTask)
            assert await broker.watch.missing() == []
            # A finding that a setting allows is a warning. The alert does not count warnings.
            assert broker.count("intake_redis_finding", finding=EVICTS, severity="warn") == 1
            assert broker.count("intake_redis_finding", finding=EVICTS) == 1

    lines = run(test)
    assert [line["finding"] for line in lines if line["event"] == "redis_finding"] == [EVICTS]


def test_a_clock_that_jumped_forward_and_back_leaves_no_caller_owing_more_than_the_burst(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port, rate_per_second=20, rate_burst=2) as broker:
            ask(server, "SET", "intake:rate:me", 10**15, "PX", 3_600_000)
            refused = await broker.accept(new_task_id())
            assert isinstance(refused, RateLimited)
            assert refused.retry_after_seconds <= 0.15

            async def is_accepted() -> bool:
                return isinstance(await broker.accept(new_task_id()), AcceptedTask)

            await until_it_does(is_accepted, what="the caller owes nothing any more")

    run(test)
