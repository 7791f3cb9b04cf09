"""Calls that Redis refuses, or that are refused before they are sent: each refusal is known by its code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from api_shim.broker.broker_errors import BrokerRefusedError
from startup.broker.redis_refusals import TABLE
from tests.api_shim.broker.calls import COUNT, GET, PUSH, outcomes
from tests.support.broker import ask, call_of, connected, run, until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.broker import Brokers


def test_a_refusal_is_known_by_its_code_counted_and_logged_seldom_and_other_calls_go_on(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            await broker.calls.run(call_of(COUNT, "number"))
            for _ in range(3):
                replies: Sequence[Any] = await asyncio.gather(
                    broker.calls.run(call_of(PUSH, "number")),
                    broker.calls.run(call_of(COUNT, "number")),
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
                await broker.calls.run(call_of(COUNT, "n"))
            assert raised.value.refusal.code == request.node.callspec.id
            assert await broker.calls.read(call_of(GET, "n")) is None

    run(test)


def test_a_password_that_redis_does_not_take_is_told_by_name(brokers: Brokers) -> None:
    server = brokers.start()
    ask(server, "CONFIG", "SET", "requirepass", "another")

    async def test() -> None:
        async with connected(server.port) as broker:
            with pytest.raises(BrokerRefusedError) as raised:
                await broker.calls.run(call_of(COUNT, "n"))
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
            large = [asyncio.ensure_future(broker.calls.run(call_of(PUSH, "list", b"x" * 250_000))) for _ in range(300)]
            small = [asyncio.ensure_future(broker.calls.run(call_of(COUNT, "n"))) for _ in range(100)]
            await until(lambda: any(each.done() for each in large), what="some are refused while Redis stands")
            shed = [each for each in large if each.done()]
            words = {each.exception().refusal.code for each in shed}  # type: ignore[union-attr]
            assert words == {"overloaded"}
            # A megabyte is on its way, and eight wait. No more than that is held in memory.
            assert (len(large) - len(shed)) * 250_000 < 10_000_000
            assert not any(each.done() for each in small)
            server.process.resume()
            assert await outcomes(*(each for each in large if each not in shed)) == {"reply"}
            assert await outcomes(*small) == {"reply"}
            refused = broker.count("intake_dependency_refusals_total", dependency="broker", code="overloaded")
            assert refused == len(shed)

    lines = [line for line in run(test) if line["event"] == "dependency_refuses"]
    assert [line["code"] for line in lines] == ["overloaded"]


def test_scripts_that_redis_has_forgotten_are_loaded_again(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            assert await broker.calls.run(call_of(COUNT, "n")) == 1
            ask(server, "SCRIPT", "FLUSH")
            replies = await asyncio.gather(*(broker.calls.run(call_of(COUNT, "n")) for _ in range(10)))
            assert sorted(replies) == list(range(2, 12))

    run(test)


def test_a_right_that_is_taken_away_while_the_shim_runs_is_found_by_the_next_look_of_the_watch(
    brokers: Brokers,
) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            await broker.calls.run(call_of(COUNT, "n"))
            assert await broker.watch.missing() == []
            ask(server, "ACL", "SETUSER", "default", "-eval", "-evalsha")
            assert await outcomes(broker.calls.run(call_of(COUNT, "n"))) == {"BrokerRefusedError"}
            assert await broker.watch.missing() == ["redis_noperm"]
            ask(server, "ACL", "SETUSER", "default", "+@all")
            assert await broker.watch.missing() == []

    run(test)
