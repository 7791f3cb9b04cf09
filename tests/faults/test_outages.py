"""Dependencies that are away, frozen or cut off for longer than any timeout."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final
from urllib.request import urlopen

import pytest

from local_stack.ports import free_port
from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client
from tests.faults.harness.tcp_proxy import TcpProxy
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Judge

_PAUSE: Final = threading.Event()

pytestmark = pytest.mark.slow


def _metric(url: str, name: str) -> float:
    with urlopen(url, timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def test_mongodb_away_for_ninety_seconds_delays_and_fails_nothing(tmp_path: Path, judge: Judge) -> None:
    with Arena(tmp_path) as arena:
        port = free_port()
        arena.start_worker(INTAKE_WORKER_METRICS_PORT=str(port))
        client = Client(arena, name="m")
        load = client.load(seconds=100, threads=2, pause=0.2)
        _PAUSE.wait(3)
        (member,) = arena.mongo.members
        member.stop()
        arena.kills += 1
        _PAUSE.wait(60)
        assert arena.probe("readyz") is not None, "accepting needs no MongoDB"
        assert _metric(f"http://127.0.0.1:{port}/metrics", "intake_dependency_failures_total") > 0
        assert _metric(f"http://127.0.0.1:{arena.port}/metrics", "intake_oldest_open_seconds") > 30
        _PAUSE.wait(30)
        member.start()
        for thread in load:
            thread.join()

        judge(arena, client, seconds=120)

        assert all(submission.outcome is not None for submission in client.history)
        by_time = sorted(arena.customers(), key=lambda customer: customer["created_at"])
        numbers = [int(customer["firstName"].split()[1]) for customer in by_time]
        ranks = {number: place for place, number in enumerate(sorted(numbers))}
        displaced = [abs(ranks[number] - place) for place, number in enumerate(numbers)]
        assert max(displaced) < 40, "the order of accepting is roughly kept"


def test_a_primary_killed_and_the_next_one_frozen_lose_no_customer(tmp_path: Path, judge: Judge) -> None:
    with Arena(tmp_path, mongo_members=3) as arena:
        arena.start_worker()
        client = Client(arena)
        load = client.load(seconds=45, threads=3, pause=0.05)
        _PAUSE.wait(4)
        first = arena.mongo.primary()
        assert first is not None
        arena.kill(first.process)
        wait_until(lambda: arena.mongo.primary() is not None, timeout=30, what="a new primary")
        _PAUSE.wait(5)
        first.start()
        _PAUSE.wait(5)
        second = arena.mongo.primary()
        assert second is not None
        second.process.pause()
        arena.kills += 1
        _PAUSE.wait(15)
        second.process.resume()
        for thread in load:
            thread.join()

        judge(arena, client, seconds=90)


@pytest.mark.parametrize("what", ["redis", "mongodb"])
def test_a_connection_that_swallows_everything_for_a_minute_recovers_without_a_restart(
    tmp_path: Path, judge: Judge, what: str
) -> None:
    arena = Arena(tmp_path)
    target = arena.redis.port if what == "redis" else arena.mongo.members[0].port
    with TcpProxy(target) as proxy:
        if what == "redis":
            arena.environment["INTAKE_REDIS_URL"] = arena.redis.url_with(port=proxy.port)
        else:
            # The driver connects directly. Otherwise the replica set would tell it a way around the proxy.
            arena.environment["INTAKE_MONGODB_URI"] = f"mongodb://127.0.0.1:{proxy.port}/?directConnection=true"
        arena.rebuild_shim()
        with arena:
            arena.start_worker()
            client = Client(arena)
            load = client.load(seconds=70, threads=2, pause=0.1)
            _PAUSE.wait(3)
            proxy.black_hole = True
            _PAUSE.wait(60)
            proxy.black_hole = False
            for thread in load:
                thread.join()

            judge(arena, client, seconds=120)

            assert all(process.alive for process in (arena.shim, *arena.workers))
