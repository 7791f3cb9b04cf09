"""A shim process reads one overview a second at the most, and says that it runs."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.broker.overviews import Overviews
from schemas.protocol.steps import overseeing
from startup.background.announcements import Announcements
from startup.identity import Identity
from tests.support.broker import Brokers, connected, run, until_it_does

if TYPE_CHECKING:
    from schemas.protocol.overview import Overview


def test_calls_that_ask_at_once_share_one_overview_and_so_do_those_of_the_same_second(brokers: Brokers) -> None:
    server = brokers.start()
    seen: list[Overview] = []

    async def test() -> None:
        async with connected(server.port) as broker:
            overviews = Overviews(broker.calls)
            seen.extend(await asyncio.gather(*(overviews.fresh() for _ in range(20))))
            seen.append(await overviews.fresh())

    run(test)
    assert all(each is seen[0] for each in seen)


def test_whoever_leaves_does_not_end_the_call_of_the_others(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            overviews = Overviews(broker.calls)
            asks = asyncio.Event()

            async def ask_and_leave() -> None:
                asks.set()
                await overviews.fresh()

            leaves = asyncio.create_task(ask_and_leave())
            await asks.wait()
            stays = asyncio.create_task(overviews.fresh())
            leaves.cancel()
            assert (await stays).signup_lane.open == 0

    run(test)


def test_an_overview_of_a_redis_that_is_away_fails_and_the_next_one_works(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port, timeout_seconds=0.5) as broker:
            overviews = Overviews(broker.calls)
            server.kill()
            with pytest.raises(BrokerUnavailableError):
                await overviews.fresh()
            server.start()
            assert (await overviews.fresh()).signup_lane.open == 0

    run(test)


def test_how_long_a_task_takes_is_not_known_before_there_is_a_rate(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            overviews = Overviews(broker.calls)
            assert overviews.seconds_left(3) is None
            await overviews.fresh()
            assert [overviews.seconds_left(before) for before in (3, None)] == [None, None]

    run(test)


def test_a_process_that_starts_begins_the_counts_and_one_that_closes_leaves(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:

            async def now() -> Overview:
                return await broker.calls.read(overseeing.read_overview(processes=True))

            identity = Identity("shim")
            overviews = Overviews(broker.calls)
            details = partial(identity.details, holds={"calls": 2}, done=5, taking=True)
            announcements = Announcements(
                broker.calls.run, away=BrokerUnavailableError, name=identity.name, details=details
            )
            overviews.start()
            announcements.start()

            async def counts_and_is_told() -> bool:
                overview = await now()
                return bool(overview.processes) and overview.unaccounted == 0

            await until_it_does(counts_and_is_told, what="counting has begun and the process is told of")
            (process,) = (await now()).processes
            assert (process.name, process.details.kind, process.details.holds) == (identity.name, "shim", {"calls": 2})
            await announcements.close()
            await overviews.close()
            assert (await now()).processes == ()

    run(test)
