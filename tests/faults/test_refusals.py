"""Dependencies that answer and refuse."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import pytest
import redis
from pymongo import MongoClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from console.service.dead_letters import DeadLetters
from schemas.protocol.keys import DEAD_KEY, OPEN_KEY
from tests.faults.harness.arena import DATABASE, Arena
from tests.faults.harness.history import Client
from tests.faults.harness.troubles import MONGODB_REFUSES, REDIS_REFUSES
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Judge

pytestmark = pytest.mark.slow

_PAUSE: Final = threading.Event()
_REFUSING_SECONDS: Final = 5
_CALM_SECONDS: Final = 3

_WAITING: Final = 300
_LOAD_MICROSECONDS: Final = 400
"""The delay of each command that Redis reads back. It answers clients after every thousand commands."""

_OTHER_KEYS: Final = 20_000
"""So many keys make Redis read for ten seconds, and answer at least twenty times meanwhile."""

_UNREADY: Final = {"too few replicas", "read only", "its primary is down", "no right to run scripts"}
"""The troubles that last until a person mends them. A shim that cannot accept says so."""


@pytest.mark.parametrize("why", REDIS_REFUSES)
def test_a_redis_that_refuses_delays_signups_for_as_long_and_no_longer(tmp_path: Path, judge: Judge, why: str) -> None:
    with Arena(tmp_path, links=True) as arena:
        arena.start_worker()
        client = Client(arena)
        load = client.load(seconds=_REFUSING_SECONDS + 2 * _CALM_SECONDS, pause=0.05, follow=True)
        _PAUSE.wait(_CALM_SECONDS)
        with REDIS_REFUSES[why](arena):
            _PAUSE.wait(_REFUSING_SECONDS)
            if why in _UNREADY:
                wait_until(lambda: arena.readiness()[0] == 503, timeout=20, what="the shim is not ready")
        for thread in load:
            thread.join()

        judge(arena, client)

        wait_until(lambda: arena.readiness()[0] == 200, timeout=20, what="the shim is ready")
        assert all(process.alive for process in (arena.shim, *arena.workers))


def test_a_redis_that_reads_its_data_back_for_long_is_waited_for(tmp_path: Path, judge: Judge) -> None:
    with Arena(tmp_path, links=True, redis_lines=[f"key-load-delay {_LOAD_MICROSECONDS}"]) as arena:
        client = Client(arena)
        for _ in range(_WAITING):
            client.submit()
        with arena.redis_client() as redis_client, redis_client.pipeline(transaction=False) as pipeline:
            for number in range(_OTHER_KEYS):
                pipeline.set(f"other:{number}", 1)
            pipeline.execute()
        arena.start_worker()
        load = client.load(seconds=30, pause=0.05, follow=True)
        arena.kill(arena.redis.process)
        arena.redis.process.start()
        pings, ready = [], []
        while (answer := _answer_to_a_ping(arena)) != "PONG":
            pings.append(answer)
            ready.append(arena.readiness()[0])
        assert "LOADING" in pings
        assert ready.count(200) <= 1, "only what was asked last may be answered once everything is read"
        for thread in load:
            thread.join()

        judge(arena, client, seconds=120)

        wait_until(lambda: arena.readiness()[0] == 200, timeout=20, what="the shim is ready")
        assert all(process.alive for process in (arena.shim, *arena.workers))


def _answer_to_a_ping(arena: Arena) -> str:
    try:
        # redis-py takes LOADING for a lost connection, and would repeat the call by itself.
        with redis.Redis.from_url(arena.redis.url, retry=Retry(NoBackoff(), 0)) as client:
            client.ping()
    except redis.BusyLoadingError:
        return "LOADING"
    except redis.RedisError:
        return ""
    return "PONG"


def test_a_mongodb_that_refuses_delays_signups_for_as_long_and_no_longer(tmp_path: Path, judge: Judge) -> None:
    with Arena(tmp_path) as arena:
        arena.start_worker()
        client = Client(arena)
        load = client.load(seconds=len(MONGODB_REFUSES) * 2 * _CALM_SECONDS, pause=0.05, follow=True)
        for trouble in MONGODB_REFUSES.values():
            with trouble(arena):
                _PAUSE.wait(_CALM_SECONDS)
            _PAUSE.wait(_CALM_SECONDS)
        for thread in load:
            thread.join()

        judge(arena, client)

        assert all(process.alive for process in (arena.shim, *arena.workers))


def test_customers_that_mongodb_refuses_delay_no_other_and_are_made_once_it_is_mended(
    tmp_path: Path, judge: Judge
) -> None:
    with Arena(tmp_path) as arena, MongoClient[dict[str, Any]](arena.mongo.uri) as mongo:
        arena.start_worker()
        client = Client(arena)
        client.follow(client.submit())
        mongo[DATABASE].command("collMod", "customers", validator={"lastName": {"$ne": "Refused"}})
        load = client.load(seconds=10, pause=0.05, follow=True)
        refused = [client.submit(lastName="Refused") for _ in range(20)]
        for thread in load:
            thread.join()
        with arena.redis_client() as redis_client:
            wait_until(lambda: redis_client.zcard(OPEN_KEY) == 0, timeout=30, what="each has ended or is a dead letter")
            assert redis_client.zcard(DEAD_KEY) > len(refused) / 2
            mongo[DATABASE].command("collMod", "customers", validator={})
            letters = DeadLetters(redis_client)
            for letter in list(letters.all()):
                assert letters.requeue(letter.task_id) == "written"

        judge(arena, client)
