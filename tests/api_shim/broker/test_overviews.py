"""A shim process reads one overview a second at the most, and says that it runs."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest
import redis

from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.broker.overviews import Overviews
from schemas.ids import new_task_id
from schemas.protocol.overall import HISTORY_KEY
from schemas.protocol.steps import overseeing
from schemas.protocol.steps.pausing import Paused, pause
from startup.background.announcements import Announcements
from startup.identity import Identity
from tests.support.broker import Brokers, connected, run, until_it_does
from tests.support.records import Scripts

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


@pytest.mark.parametrize(("what", "is_told"), [(Paused.NOTHING, True), (Paused.BATCHES, True), (Paused.ALL, False)])
def test_how_long_a_task_takes_is_not_known_while_an_operator_has_paused_all_work(
    brokers: Brokers, what: Paused, is_told: bool
) -> None:
    server = brokers.start()
    with redis.Redis(port=server.port) as client:
        scripts = Scripts(client)
        ids = [new_task_id() for _ in range(5)]
        scripts.accept_all(ids)
        # Two of them were finished in the last 20 s.
        since = scripts.overview().at_milliseconds - 20_000
        client.xadd(HISTORY_KEY, {"at": since, "signups_busy_since": since, "signups_busy_from": 0}, id=f"{since}-0")
        for task_id in ids[:2]:
            scripts.finish(task_id)
        scripts.run(pause(what, by="ann"))

    async def test() -> None:
        async with connected(server.port) as broker:
            overviews = Overviews(broker.calls)
            assert (await overviews.fresh()).signups_per_second == pytest.approx(0.1, rel=0.1)
            left = overviews.seconds_left(2)
            assert left == (pytest.approx(20, rel=0.1) if is_told else None)

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
