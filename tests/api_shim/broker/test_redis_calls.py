"""Calls to Redis over connections that fail. A real server answers, behind a proxy that fails as the test says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from api_shim.broker.broker_errors import BrokerRefusedError, BrokerUnavailableError
from startup.broker.redis_refusals import TABLE
from tests.faults.harness.tcp_proxy import TcpProxy, Way
from tests.support.broker import ask, call_of, connected, run, script_of, unread_bytes, until, until_it_does, waits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from tests.support.broker import Brokers


_COUNT = script_of("return redis.call('INCR', KEYS[1])")
_PROMISE = script_of("return redis.call('INCR', KEYS[1])", has_deadline=True)
_GET = script_of("#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])")
_PUSH = script_of("return redis.call('LPUSH', KEYS[1], 1)")


async def _outcomes(*calls: Awaitable[Any]) -> set[str]:
    """How these calls ended: `reply`, or the names of their exceptions."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    return {type(each).__name__ if isinstance(each, BaseException) else "reply" for each in results}


def test_an_idle_connection_that_is_reset_is_made_anew_and_does_not_disturb_reads(brokers: Brokers) -> None:
    """On writing to it uvloop raises RuntimeError, which redis-py passes on. That once ended all sending."""
    server = brokers.start()

    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with connected(proxy.port) as broker:
                for _ in range(5):
                    assert await broker.calls.command("PING") == b"PONG"
                    assert proxy.reset() == 1
                    assert await broker.calls.read(call_of(_GET, "nothing")) is None
                assert broker.calls.task.alive

    run(test)


def test_an_idle_connection_that_the_server_has_closed_does_not_disturb_reads(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            for _ in range(3):
                assert await broker.calls.command("PING") == b"PONG"
                ask(server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                assert await broker.calls.read(call_of(_GET, "nothing")) is None

    run(test)


def test_a_busy_connection_that_is_reset_fails_its_calls_at_once_and_later_ones_go_on(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with connected(proxy.port, timeout_seconds=20) as broker:
                await broker.calls.command("PING")
                proxy.stalled = True
                asked = [asyncio.ensure_future(broker.calls.run(call_of(_COUNT, "n"))) for _ in range(300)]
                await until(lambda: all(map(waits, asked)), what="all of them wait")
                proxy.reset()
                proxy.stalled = False
                assert await _outcomes(*asked) <= {"reply", "BrokerUnavailableError"}
                assert await broker.calls.run(call_of(_COUNT, "later")) == 1

    run(test)


def test_where_a_reply_is_lost_the_outcome_is_unknown_and_a_write_is_not_repeated(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with connected(proxy.port) as broker:
                await broker.calls.run(call_of(_COUNT, "n"))
                proxy.reset_after(Way.REPLIES, 0)
                with pytest.raises(BrokerUnavailableError) as raised:
                    await broker.calls.run(call_of(_COUNT, "n"))
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
                    asked.append(asyncio.ensure_future(broker.calls.run(call_of(_COUNT, "n"))))
                    await until(lambda: waits(asked[-1]) or asked[-1].done(), what="it waits behind the one before")
                async with asyncio.timeout(3):
                    assert await _outcomes(*asked) == {"BrokerUnavailableError"}
                proxy.black_hole = False

                async def answers() -> bool:
                    return await _outcomes(broker.calls.command("PING")) == {"reply"}

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
                before = asyncio.ensure_future(broker.calls.run(call_of(_COUNT, "n")))
                await until(lambda: waits(before), what="the first call waits for its answer")
                async with asyncio.timeout(1.6):
                    assert await _outcomes(broker.calls.run(call_of(_COUNT, "n"))) == {"BrokerUnavailableError"}
                assert await _outcomes(before) == {"BrokerUnavailableError"}

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


def test_a_refusal_is_known_by_its_code_counted_and_logged_seldom_and_other_calls_go_on(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            await broker.calls.run(call_of(_COUNT, "number"))
            for _ in range(3):
                replies: Sequence[Any] = await asyncio.gather(
                    broker.calls.run(call_of(_PUSH, "number")),
                    broker.calls.run(call_of(_COUNT, "number")),
                    return_exceptions=True,
                )
                refused, counted = replies
                assert isinstance(refused, BrokerRefusedError)
                assert refused.refusal == TABLE["WRONGTYPE"]
                assert isinstance(counted, int)
            assert broker.count("intake_dependency_refusals_total", dependency="broker", code="WRONGTYPE") == 3

    lines = [line for line in run(test) if line["event"] == "dependency_refuses"]
    assert [(line["dependency"], line["code"]) for line in lines] == [("broker", "WRONGTYPE")]


@pytest.mark.parametrize("lines", [("maxmemory 1",), ("min-replicas-to-write 1",)], ids=["OOM", "NOREPLICAS"])
def test_a_server_that_takes_no_writes_refuses_them_by_name_and_answers_reads(
    brokers: Brokers, lines: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    server = brokers.start(*lines)

    async def test() -> None:
        async with connected(server.port) as broker:
            with pytest.raises(BrokerRefusedError) as raised:
                await broker.calls.run(call_of(_COUNT, "n"))
            assert raised.value.refusal.code == request.node.callspec.id
            assert await broker.calls.read(call_of(_GET, "n")) is None

    run(test)


def test_a_password_that_redis_does_not_take_is_told_by_name(brokers: Brokers) -> None:
    server = brokers.start()
    ask(server, "CONFIG", "SET", "requirepass", "another")

    async def test() -> None:
        async with connected(server.port) as broker:
            with pytest.raises(BrokerRefusedError) as raised:
                await broker.calls.run(call_of(_COUNT, "n"))
            assert raised.value.refusal.code == "NOAUTH"
            assert await broker.watch.missing() == ["redis_noauth"]

    lines = run(test)
    assert {line["code"] for line in lines if line["event"] == "dependency_refuses"} == {"NOAUTH"}


def test_large_calls_are_refused_while_redis_stands_still_and_small_ones_still_get_in(brokers: Brokers) -> None:
    """300 callers with 250 KB each once made every caller wait until all of them got 503."""
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port, timeout_seconds=30) as broker:
            await broker.calls.command("PING")
            server.process.pause()
            large = [
                asyncio.ensure_future(broker.calls.run(call_of(_PUSH, "list", b"x" * 250_000))) for _ in range(300)
            ]
            small = [asyncio.ensure_future(broker.calls.run(call_of(_COUNT, "n"))) for _ in range(100)]
            await until(lambda: any(each.done() for each in large), what="some are refused while Redis stands")
            shed = [each for each in large if each.done()]
            words = {each.exception().refusal.code for each in shed}  # type: ignore[union-attr]
            assert words == {"overloaded"}
            # A megabyte is on its way, and eight wait. No more than that is held in memory.
            assert (len(large) - len(shed)) * 250_000 < 10_000_000
            assert not any(each.done() for each in small)
            server.process.resume()
            assert await _outcomes(*(each for each in large if each not in shed)) == {"reply"}
            assert await _outcomes(*small) == {"reply"}
            refused = broker.count("intake_dependency_refusals_total", dependency="broker", code="overloaded")
            assert refused == len(shed)

    lines = [line for line in run(test) if line["event"] == "dependency_refuses"]
    assert [line["code"] for line in lines] == ["overloaded"]


def test_scripts_that_redis_has_forgotten_are_loaded_again(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            assert await broker.calls.run(call_of(_COUNT, "n")) == 1
            ask(server, "SCRIPT", "FLUSH")
            replies = await asyncio.gather(*(broker.calls.run(call_of(_COUNT, "n")) for _ in range(10)))
            assert sorted(replies) == list(range(2, 12))

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


def test_calls_go_from_a_demoted_primary_to_the_server_that_the_name_leads_to_now(brokers: Brokers) -> None:
    """The connections to the old primary stay open. Only its refusals show that it was demoted."""
    old = brokers.start()
    new = brokers.start(replica_of=old)

    async def test() -> None:
        with TcpProxy(old.port) as proxy:
            async with connected(proxy.port, timeout_seconds=20) as broker:
                await broker.calls.run(call_of(_COUNT, "n"))
                proxy.retarget(new.port)
                ask(new, "REPLICAOF", "NO", "ONE")
                ask(old, "REPLICAOF", "127.0.0.1", new.port)

                async def is_carried_out() -> bool:
                    return await _outcomes(broker.calls.run(call_of(_COUNT, "n"))) == {"reply"}

                await until_it_does(is_carried_out, what="the new primary is found")
                assert broker.elsewhere, "who listens for outcomes was told"
                assert await broker.watch.missing() == []
            assert int(ask(new, "GET", "n")) >= 1

    run(test)


def test_an_idle_process_finds_a_demoted_primary_by_asking_for_its_role(brokers: Brokers) -> None:
    old = brokers.start()
    new = brokers.start(replica_of=old)

    async def test() -> None:
        with TcpProxy(old.port) as proxy:
            async with connected(proxy.port) as broker:
                assert await broker.watch.missing() == []
                ask(new, "REPLICAOF", "NO", "ONE")
                ask(old, "REPLICAOF", "127.0.0.1", new.port)
                assert await broker.watch.missing() == ["redis_is_replica"]
                proxy.retarget(new.port)

                async def is_ready() -> bool:
                    return await broker.watch.missing() == []

                await until_it_does(is_ready, what="the new primary is found")

    run(test)


def test_the_watch_notices_a_connection_that_nobody_answers_and_the_next_call_finds_another(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with connected(proxy.port, timeout_seconds=0.5) as broker:
                await broker.calls.command("PING")
                proxy.forget()
                broker.watch.start()
                await until(lambda: proxy.links > 1, what="another connection is made")
                assert await broker.calls.run(call_of(_COUNT, "n")) == 1
                assert broker.elsewhere, "who listens for outcomes was told"
                await broker.watch.close()

    run(test)


def test_a_call_whose_time_is_over_at_once_does_not_disturb_the_next_one(brokers: Brokers) -> None:
    """The timer that uvloop returns for less than half a millisecond does not tell its time. This once caused a 500."""
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            loop = asyncio.get_running_loop()
            await broker.calls.command("PING")
            late = [
                asyncio.ensure_future(broker.calls.run(call_of(_PROMISE, "n"), latest=loop.time() + 0.0001))
                for _ in range(3)
            ]
            assert await _outcomes(*late) <= {"reply", "BrokerRefusedError", "BrokerUnavailableError"}
            assert await broker.calls.command("PING") == b"PONG"

    run(test)


def test_a_right_that_is_taken_away_while_the_shim_runs_is_found_by_the_next_look_of_the_watch(
    brokers: Brokers,
) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            await broker.calls.run(call_of(_COUNT, "n"))
            assert await broker.watch.missing() == []
            ask(server, "ACL", "SETUSER", "default", "-eval", "-evalsha")
            assert await _outcomes(broker.calls.run(call_of(_COUNT, "n"))) == {"BrokerRefusedError"}
            assert await broker.watch.missing() == ["redis_noperm"]
            ask(server, "ACL", "SETUSER", "default", "+@all")
            assert await broker.watch.missing() == []

    run(test)
