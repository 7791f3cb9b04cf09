"""What a server that was replaced does not have may be at the one that took its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api_shim.broker.broker_errors import BrokerUnavailableError
from tests.faults.harness.tcp_proxy import TcpProxy
from tests.support.broker import ask, call_of, connected, run, script_of
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from local_stack.redis_server import RedisServer
    from tests.support.broker import Brokers

_GET = script_of("#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])")
_CAREFUL = "min-replicas-to-write 1"


@pytest.fixture
def followed(brokers: Brokers) -> RedisServer:
    """A primary with a replica, which has the number that is looked for."""
    server = brokers.start(_CAREFUL)
    brokers.start(replica_of=server)
    wait_until(lambda: ask(server, "INFO", "replication")["min_slaves_good_slaves"] == 1, timeout=30)
    ask(server, "SET", "n", 1)
    return server


def test_what_a_server_with_replicas_does_not_have_is_nowhere(followed: RedisServer) -> None:
    async def test() -> None:
        async with connected(followed.port) as broker:
            await broker.calls.command("PING")
            assert await broker.absence.read(call_of(_GET, "another"), misses=_misses) is None

    run(test)


def test_what_a_server_without_its_replicas_does_not_have_may_be_elsewhere(brokers: Brokers) -> None:
    alone = brokers.start(_CAREFUL)

    async def test() -> None:
        async with connected(alone.port) as broker:
            with pytest.raises(BrokerUnavailableError):
                await broker.absence.read(call_of(_GET, "n"), misses=_misses)

    run(test)


def test_a_server_is_not_asked_about_what_another_one_does_not_have(brokers: Brokers, followed: RedisServer) -> None:
    """The connection goes over to the new primary after the old one was read. This once caused a wrong 404."""
    old = brokers.start(_CAREFUL)

    async def test() -> None:
        with TcpProxy(old.port) as proxy:

            def misses(reply: Any) -> bool:
                if reply is None:
                    proxy.retarget(followed.port)
                    proxy.reset()
                return _misses(reply)

            async with connected(proxy.port) as broker:
                await broker.calls.command("PING")
                assert await broker.absence.read(call_of(_GET, "n"), misses=misses) == b"1"

    run(test)


def _misses(reply: Any) -> bool:
    return reply is None
