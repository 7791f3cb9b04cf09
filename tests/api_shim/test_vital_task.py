"""A vital task must run as long as its process. One that has ended is logged once, and the health probe fails."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretBytes

from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.broker.overviews import Overviews
from api_shim.intake.event_news import EventNews
from api_shim.intake.subscription import OutcomeSubscription
from api_shim.probes import Probes
from edge.tokens.key_keeper import KeyKeeper
from edge.tokens.key_ring import KeyRing
from edge.tokens.settings import TokenSettings
from startup.background.announcements import Announcements
from startup.background.vital_task import VitalTask
from startup.identity import Identity
from tests.support.broker import Brokers, connected, run, until

if TYPE_CHECKING:
    from pathlib import Path


async def _dies() -> None:
    raise RuntimeError("with a text that may hold a secret")


async def _lives() -> None:
    await asyncio.get_running_loop().create_future()


async def _ends() -> None:
    """End without an exception, which is a fault too."""


@pytest.mark.parametrize("ends", [_dies, _ends])
def test_a_vital_task_that_ends_is_logged_with_its_name_and_never_with_the_text_of_an_exception(ends: Any) -> None:
    async def test() -> None:
        task = VitalTask("a_task", ends)
        task.start()
        assert task.alive
        await until(lambda: not task.alive)
        await task.close()

    lines = run(test)
    assert [(line["event"], line["task"]) for line in lines] == [("task_died", "a_task")]


def test_a_vital_task_that_is_closed_is_not_logged() -> None:
    async def test() -> None:
        runs = asyncio.Event()

        async def tells_that_it_runs() -> None:
            runs.set()
            await _lives()

        task = VitalTask("a_task", tells_that_it_runs)
        task.start()
        await runs.wait()
        await task.close()

    assert run(test) == []


def test_the_health_probe_fails_where_a_vital_task_has_ended_and_names_it(brokers: Brokers, tmp_path: Path) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port) as broker:
            subscription = OutcomeSubscription(broker.pool, maximum_listeners=1)
            news = EventNews(broker.pool)
            settings = TokenSettings(
                secret=SecretBytes(b"k" * 32),
                public_keys=(),
                audience="",
                issuers=(),
                leeway_seconds=30,
                create_scopes=("customer:create",),
                secret_file=str(tmp_path / "secret"),
            )
            keeper = KeyKeeper(settings, KeyRing(settings), broker.metrics.edge)
            overviews = Overviews(broker.calls)
            announcements = Announcements(
                broker.calls.run,
                away=BrokerUnavailableError,
                name="a name",
                details=partial(Identity("shim").details, holds={}, done=0, taking=True),
            )
            probes = Probes(
                broker.calls,
                subscription,
                broker.metrics,
                news=news,
                watch=broker.watch,
                overviews=overviews,
                announcements=announcements,
                awaits_keys=lambda: False,
                keeping_keys=keeper.tasks,
            )
            keeper.start()
            subscription.start()
            news.start()
            broker.watch.start()
            overviews.start()
            announcements.start()
            healthy = await probes.healthz(None)  # type: ignore[arg-type] # it looks at no request
            assert healthy.status == 200
            await subscription.close()
            await keeper.close()
            sick = await probes.healthz(None)  # type: ignore[arg-type] # as above
            assert sick.status == 503
            assert json.loads(sick.body) == {
                "ok": False,
                "error": "not_alive",
                "data": {"dead": ["outcome_subscription", "token_keys of INTAKE_JWT_SECRET_FILE"]},
            }
            await announcements.close()
            await overviews.close()
            await news.close()
            await broker.watch.close()

    run(test)


def test_calls_are_answered_also_where_the_task_that_sends_to_redis_has_ended(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        async with connected(server.port, timeout_seconds=0.2) as broker:
            await broker.calls.task.close()
            async with asyncio.timeout(10):
                assert await broker.watch.missing() == ["broker"]

    run(test)
