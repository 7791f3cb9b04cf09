"""Calls to Redis over connections that fail. A real server answers, behind a proxy that fails as the test says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from api_shim.broker.broker_errors import BrokerRefusedError, BrokerUnavailableError
from tests.api_shim.broker.calls import COUNT, GET, PROMISE, outcomes
from tests.faults.harness.tcp_proxy import TcpProxy, Way
from tests.support.broker import ask, call_of, connected, run, unread_bytes, until, until_it_does, waits

if TYPE_CHECKING:
    from tests.support.broker import Brokers


def test_an_idle_connection_that_is_reset_is_made_anew_and_does_not_disturb_reads(brokers: Brokers) -> None:
    """On writing to it uvloop raises RuntimeError, which redis-py passes on. That once ended all sending."""
    server = brokers.start()

    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with connected(proxy.port) as broker:
                for _ in range(5):
                    assert await broker.calls.command("PING") == b"PONG"
                    assert proxy.reset() == 1
                    assert await broker.calls.read(call_of(GET, "nothing")) is None
                assert broker.calls.task.alive

    run(test)


def test_an_idle_connection_that_the_server_has_closed_does_not_disturb_reads(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            for _ in range(3):
                assert await broker.calls.command("PING") == b"PONG"
                ask(server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                assert await broker.calls.read(call_of(GET, "nothing")) is None

    run(test)


def test_a_busy_connection_that_is_reset_fails_its_calls_at_once_and_later_ones_go_on(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with connected(proxy.port, timeout_seconds=20) as broker:
                await broker.calls.command("PING")
                proxy.stalled = True
                asked = [asyncio.ensure_future(broker.calls.run(call_of(COUNT, "n"))) for _ in range(300)]
                await until(lambda: all(map(waits, asked)), what="all of them wait")
                proxy.reset()
                proxy.stalled = False
                assert await outcomes(*asked) <= {"reply", "BrokerUnavailableError"}
                assert await broker.calls.run(call_of(COUNT, "later")) == 1

    run(test)


def test_where_a_reply_is_lost_the_outcome_is_unknown_and_a_write_is_not_repeated(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with connected(proxy.port) as broker:
                await broker.calls.run(call_of(COUNT, "n"))
                proxy.reset_after(Way.REPLIES, 0)
                with pytest.raises(BrokerUnavailableError) as raised:
                    await broker.calls.run(call_of(COUNT, "n"))
                assert not isinstance(raised.value, BrokerRefusedError)
                assert await broker.calls.command("GET", "n") == b"2"

    run(test)


def test_every_call_fails_in_time_while_nothing_answers(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with connected(proxy.port, timeout_seconds=0.3) as broker:
                await broker.calls.command("PING")
                proxy.black_hole = True
                asked = []
                for _ in range(20):
                    asked.append(asyncio.ensure_future(broker.calls.run(call_of(COUNT, "n"))))
                    await until(lambda: waits(asked[-1]) or asked[-1].done(), what="it waits behind the one before")
                async with asyncio.timeout(3):
                    assert await outcomes(*asked) == {"BrokerUnavailableError"}
                proxy.black_hole = False

                async def answers() -> bool:
                    return await outcomes(broker.calls.command("PING")) == {"reply"}

                await until_it_does(answers, what="a new connection is made")

    run(test)


def test_the_time_that_a_call_waits_behind_another_is_part_of_its_own_time(brokers: Brokers) -> None:
    """Otherwise the second call would begin its time when the time of the first is over, and take twice as long."""
    server = brokers.start()

    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with connected(proxy.port, timeout_seconds=1) as broker:
                await broker.calls.command("PING")
                proxy.black_hole = True
                before = asyncio.ensure_future(broker.calls.run(call_of(COUNT, "n")))
                await until(lambda: waits(before), what="the first call waits for its answer")
                async with asyncio.timeout(1.6):
                    assert await outcomes(broker.calls.run(call_of(COUNT, "n"))) == {"BrokerUnavailableError"}
                assert await outcomes(before) == {"BrokerUnavailableError"}

    run(test)


def test_a_call_whose_caller_has_left_leaves_the_replies_in_their_order(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            await broker.calls.command("PING")
            server.process.pause()
            try:
                asked = [asyncio.ensure_future(broker.calls.command("ECHO", f"{number}")) for number in range(50)]
                await until(lambda: unread_bytes(server), what="they are sent")
                assert all(map(waits, asked))
                for each in asked[::2]:
                    each.cancel()
            finally:
                server.process.resume()
            assert await asyncio.gather(*asked[1::2]) == [b"%d" % number for number in range(1, 50, 2)]

    run(test)


def test_a_server_that_cannot_be_reached_is_logged_seldom(brokers: Brokers) -> None:
    server = brokers.start()
    server.kill()

    async def test() -> None:
        async with connected(server.port) as broker:
            for _ in range(20):
                with pytest.raises(BrokerUnavailableError):
                    await broker.calls.command("PING")

    assert len([line for line in run(test) if line["event"] == "dependency_away"]) == 1


def test_a_call_whose_time_is_over_at_once_does_not_disturb_the_next_one(brokers: Brokers) -> None:
    """The timer that uvloop returns for less than half a millisecond does not tell its time. This once caused a 500."""
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            loop = asyncio.get_running_loop()
            await broker.calls.command("PING")
            late = [
                asyncio.ensure_future(broker.calls.run(call_of(PROMISE, "n"), latest=loop.time() + 0.0001))
                for _ in range(3)
            ]
            assert await outcomes(*late) <= {"reply", "BrokerRefusedError", "BrokerUnavailableError"}
            assert await broker.calls.command("PING") == b"PONG"

    run(test)
