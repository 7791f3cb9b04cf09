"""Calls find the primary again after it was demoted, or after its connection went silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.api_shim.broker.calls import COUNT, outcomes
from tests.faults.harness.tcp_proxy import TcpProxy
from tests.support.broker import ask, call_of, connected, run, until, until_it_does

if TYPE_CHECKING:
    from tests.support.broker import Brokers


def test_calls_go_from_a_demoted_primary_to_the_server_that_the_name_leads_to_now(brokers: Brokers) -> None:
    """The connections to the old primary stay open. Only its refusals show that it was demoted."""
    old = brokers.start()
    new = brokers.start(replica_of=old)

    async def test() -> None:
        with TcpProxy(old.port) as proxy:
            async with connected(proxy.port, timeout_seconds=20) as broker:
                await broker.calls.run(call_of(COUNT, "n"))
                proxy.retarget(new.port)
                ask(new, "REPLICAOF", "NO", "ONE")
                ask(old, "REPLICAOF", "127.0.0.1", new.port)

                async def is_carried_out() -> bool:
                    return await outcomes(broker.calls.run(call_of(COUNT, "n"))) == {"reply"}

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
                assert await broker.calls.run(call_of(COUNT, "n")) == 1
                assert broker.elsewhere, "who listens for outcomes was told"
                await broker.watch.close()

    run(test)
