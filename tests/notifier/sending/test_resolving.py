"""Each try resolves the name anew, and connects to the address that was judged."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING

import httpcore2
import pytest

from notifier.sending.answers import Answer, Fault
from notifier.sending.checked_connections import CheckedConnections
from notifier.sending.resolving import AddressRefusedError, Resolver
from tests.notifier.samples import LOOPBACK, sender
from tests.notifier.sending import hostile
from tests.support.receiver import a_receiver

if TYPE_CHECKING:
    from collections.abc import Sequence

BODY = json.dumps({"type": "customer.created"}).encode()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]"])  # noqa: S104
def test_a_local_server_is_not_reached_unless_the_settings_allow_it(host: str) -> None:
    with a_receiver(host="::1" if ":" in host and "f" not in host else "127.0.0.1") as receiver:

        async def run() -> Answer:
            async with sender(f"http://{host}:{receiver.port}/", allowed=()) as sending:
                return await sending.send("evt_1", BODY)

        answer = asyncio.run(run())
    assert answer.fault is Fault.ADDRESS_REFUSED
    assert receiver.connections == 0


@pytest.mark.parametrize("address", [each for some in hostile.ADDRESSES.values() for each in some])
def test_a_name_that_resolves_to_a_hostile_address_leads_nowhere(address: str) -> None:
    async def run() -> None:
        resolver = Resolver("hooks.example", 443, allowed=(), look_up=lambda _host, _port: [address])
        with pytest.raises(AddressRefusedError):
            await resolver.addresses()
        resolver.close()

    asyncio.run(run())


def test_of_several_addresses_only_the_good_ones_are_kept() -> None:
    async def run() -> list[str]:
        found = ["10.0.0.1", "8.8.8.8", "::ffff:1.1.1.1", "8.8.8.8", "2606:4700::1", "169.254.169.254"]
        resolver = Resolver("hooks.example", 443, allowed=(), look_up=lambda _host, _port: found)
        try:
            return await resolver.addresses()
        finally:
            resolver.close()

    assert asyncio.run(run()) == ["8.8.8.8", "2606:4700::1"]


def test_a_name_that_changes_its_address_between_two_tries_is_judged_each_time() -> None:
    """A connection that is open still is not used for it either."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"]])

    def rebinding(_host: str, _port: int) -> Sequence[str]:
        return next(answers)

    with a_receiver() as receiver:

        async def run() -> list[Answer]:
            async with sender(f"http://hooks.example:{receiver.port}/", look_up=rebinding) as sending:
                return [await sending.send("evt_1", BODY) for _ in range(3)]

        outcomes = [answer.outcome for answer in asyncio.run(run())]
    assert outcomes == ["204", Fault.ADDRESS_REFUSED, "204"]


def test_tries_at_the_same_time_share_one_look_up() -> None:
    begun, release = threading.Event(), threading.Event()
    asked = []

    def slow(_host: str, _port: int) -> Sequence[str]:
        asked.append(1)
        begun.set()
        release.wait(10)
        return ["127.0.0.1"]

    async def run() -> list[list[str]]:
        resolver = Resolver("hooks.example", 80, allowed=LOOPBACK, look_up=slow)
        tries = [asyncio.ensure_future(resolver.addresses()) for _ in range(5)]
        assert await asyncio.to_thread(begun.wait, 10)
        tries.pop().cancel()
        release.set()
        try:
            return await asyncio.gather(*tries)
        finally:
            resolver.close()

    assert asyncio.run(run()) == [["127.0.0.1"]] * 4
    assert len(asked) == 1


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "169.254.169.254", "hooks.example", "0x7f.1", "127.1", ""])
def test_the_connections_themselves_go_to_no_name_and_no_refused_address(host: str) -> None:
    """Even if somebody forgot to judge an address."""
    with a_receiver() as receiver:

        async def run() -> None:
            with pytest.raises(httpcore2.ConnectError):
                await CheckedConnections(allowed=()).connect_tcp(host, receiver.port)

        asyncio.run(run())
    assert receiver.connections == 0
