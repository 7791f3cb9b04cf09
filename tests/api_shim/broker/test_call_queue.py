"""How many calls wait for Redis, and how long. A real server answers, behind a proxy that fails as the test says."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import pytest

from api_shim.broker.broker_errors import BrokerRefusedError, BrokerUnavailableError
from startup.broker.redis_requirements import EVICTS
from tests.api_shim.broker.calls import COUNT, PROMISE
from tests.faults.harness.tcp_proxy import TcpProxy, Way
from tests.support.broker import ask, call_of, connected, run, unread_bytes, until, until_it_does, waits

if TYPE_CHECKING:
    from tests.support.broker import Broker, Brokers

_LARGE: Final = 4 * 1024 * 1024


async def _count(broker: Broker, key: str = "n", *, latest: float | None = None) -> Any:
    """Make a write, which is sent once. With `latest` it is a promise."""
    script = COUNT if latest is None else PROMISE
    return await broker.calls.run(call_of(script, key), latest=latest)


def test_a_call_whose_time_is_over_while_it_waits_is_never_carried_out(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port, timeout_seconds=20) as broker:
            await broker.calls.command("PING")
            server.process.pause()
            try:
                sent = asyncio.ensure_future(_count(broker, "sent"))
                await until(lambda: unread_bytes(server), what="the first call is sent")
                with pytest.raises(BrokerUnavailableError):
                    await _count(broker, "late", latest=asyncio.get_running_loop().time() + 0.1)
                assert not sent.done(), "it has its own time"
            finally:
                server.process.resume()
            assert await sent == 1
            assert await broker.calls.command("EXISTS", "late") == 0

    run(test)


def test_a_call_whose_caller_left_while_it_waited_is_never_sent(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port, timeout_seconds=20) as broker:
            await _count(broker)
            server.process.pause()
            try:
                sent = asyncio.ensure_future(_count(broker))
                await until(lambda: unread_bytes(server), what="the first call is sent")
                left = [asyncio.ensure_future(_count(broker, "left")) for _ in range(10)]
                stays = asyncio.ensure_future(_count(broker))
                await until(lambda: all(map(waits, [*left, stays])), what="the others wait behind it")
                for each in left:
                    each.cancel()
            finally:
                server.process.resume()
            assert [await sent, await stays] == [2, 3]
            assert await broker.calls.command("EXISTS", "left") == 0

    run(test)


def test_no_more_than_some_megabytes_wait_and_calls_that_waited_are_carried_out(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port, timeout_seconds=30) as broker:
            await broker.calls.command("PING")
            server.process.pause()
            body = b"x" * 15_000
            try:
                asked = [asyncio.ensure_future(broker.calls.command("ECHO", body)) for _ in range(2_000)]
                await until(lambda: any(each.done() for each in asked), what="some are refused while Redis stands")
                refused = [each for each in asked if each.done()]
            finally:
                server.process.resume()
            codes = {each.exception().refusal.code for each in refused}  # type: ignore[union-attr]
            assert codes == {"overloaded"}
            # One megabyte is on its way, and sixteen wait.
            assert 15_000_000 < (len(asked) - len(refused)) * len(body) < 18_500_000
            assert {await each for each in asked if each not in refused} == {body}

    run(test)


def test_a_call_after_the_queue_is_closed_fails_at_once_and_so_does_one_that_waits(brokers: Brokers) -> None:
    """A call that came after the queue was closed used to wait for ever."""
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port, timeout_seconds=20) as broker:
            await broker.calls.command("PING")
            server.process.pause()
            try:
                asked = [asyncio.ensure_future(_count(broker)) for _ in range(300)]
                await until(lambda: all(map(waits, asked)), what="all of them wait")
                await broker.calls.close()
                errors = await asyncio.gather(*asked, _count(broker), return_exceptions=True)
            finally:
                server.process.resume()
            assert {type(each) for each in errors} == {BrokerUnavailableError}

    run(test)


def test_a_large_reply_comes_whole_and_the_replies_behind_it_come_in_their_order(brokers: Brokers) -> None:
    server = brokers.start()
    ask(server, "SETRANGE", "large", _LARGE - 1, "x")

    async def test() -> None:
        async with connected(server.port) as broker:
            first, large, last = await asyncio.gather(
                broker.calls.command("ECHO", "first"),
                broker.calls.command("GET", "large"),
                broker.calls.command("ECHO", "last"),
            )
            assert (first, len(large), last) == (b"first", _LARGE, b"last")

    run(test)


def test_a_reset_inside_a_reply_does_not_disturb_reads_and_half_a_reply_is_never_taken_for_a_whole_one(
    brokers: Brokers,
) -> None:
    server = brokers.start()
    ask(server, "SETRANGE", "large", _LARGE - 1, "x")

    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with connected(proxy.port) as broker:
                await broker.calls.command("PING")
                proxy.reset_after(Way.REPLIES, _LARGE // 2)
                read: asyncio.Future[bytes] = asyncio.ensure_future(broker.calls.command("GET", "large"))
                with pytest.raises(BrokerUnavailableError):  # It is not known whether the call was carried out.
                    await _count(broker)
                large = await read
                assert not proxy.reset_awaited
                assert len(large) == _LARGE
                assert await broker.calls.command("GET", "n") in {None, b"1"}

    run(test)


@pytest.mark.parametrize("server_notices", [False, True], ids=["nobody notices", "the server notices"])
def test_a_half_open_connection_costs_one_timeout_and_the_next_call_has_another(
    brokers: Brokers, server_notices: bool
) -> None:
    server = brokers.start()

    async def test() -> None:
        with TcpProxy(server.port) as proxy:
            async with connected(proxy.port, timeout_seconds=0.5) as broker:
                await broker.calls.command("PING")
                proxy.forget(server_notices=server_notices)
                with pytest.raises(BrokerUnavailableError):
                    await _count(broker)

                async def is_carried_out() -> bool:
                    # On a busy machine half a second may be too little for a connection.
                    with contextlib.suppress(BrokerUnavailableError):
                        return bool(await _count(broker))
                    return False

                await until_it_does(is_carried_out, what="another connection serves")

    run(test)


def test_scripts_are_loaded_again_into_a_server_that_was_restarted(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            await _count(broker)
            server.kill()
            server.start()
            assert await broker.calls.command("PING") == b"PONG"
            replies = await asyncio.gather(*(_count(broker, "another") for _ in range(10)))
            assert sorted(replies) == list(range(1, 11))

    run(test)


def test_a_server_that_must_not_be_trusted_with_promises_gets_all_other_calls(brokers: Brokers) -> None:
    server = brokers.start("maxmemory 100mb", "maxmemory-policy allkeys-lru")

    async def test() -> None:
        async with connected(server.port) as broker:
            latest = asyncio.get_running_loop().time() + 10
            promised = asyncio.ensure_future(_count(broker, "promise", latest=latest))
            others = await asyncio.gather(_count(broker), broker.calls.command("ECHO", "told"))
            assert list(others) == [1, b"told"]
            with pytest.raises(BrokerRefusedError) as raised:
                await promised
            assert raised.value.refusal.code == EVICTS
            assert await broker.calls.command("EXISTS", "promise") == 0

    run(test)
