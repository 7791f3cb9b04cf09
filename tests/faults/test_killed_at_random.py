"""Processes are killed at any instant, under load."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Judge

_PAUSE: Final = threading.Event()
_BETWEEN_SECONDS: Final = 0.05
"""The pause between two signups of one thread. The tests are about deaths, and not about how much load is possible."""


@pytest.mark.parametrize("seconds", [pytest.param(5, id="short"), pytest.param(60, id="long", marks=pytest.mark.slow)])
def test_workers_killed_at_random_lose_and_double_nothing(tmp_path: Path, judge: Judge, seconds: float) -> None:
    dice = random.Random(7)
    with Arena(tmp_path) as arena:
        for _ in range(2):
            arena.start_worker()
        client = Client(arena)
        load = client.load(seconds=seconds, pause=_BETWEEN_SECONDS)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            _PAUSE.wait(dice.uniform(0.5, 2.5))
            victim = dice.choice(arena.workers)
            arena.kill(victim)
            _PAUSE.wait(dice.uniform(0, 1))
            arena.restart_worker(victim)
        for thread in load:
            thread.join()

        judge(arena, client, seconds=90)


@pytest.mark.slow
def test_redis_killed_three_times_under_load_loses_no_202(tmp_path: Path, judge: Judge) -> None:
    with Arena(tmp_path) as arena:
        arena.start_worker()
        client = Client(arena)
        load = client.load(seconds=25, pause=_BETWEEN_SECONDS)
        for _ in range(3):
            _PAUSE.wait(5)
            arena.redis.kill()
            arena.kills += 1
            _PAUSE.wait(1)
            arena.redis.start()
        for thread in load:
            thread.join()

        judge(arena, client, seconds=90)


@pytest.mark.slow
def test_redis_without_its_last_second_makes_no_second_customer_when_clients_retry(
    tmp_path: Path, judge: Judge
) -> None:
    with Arena(tmp_path) as arena:
        arena.start_worker()
        client = Client(arena)
        for _ in range(20):
            client.submit()
        client.collect(seconds=30)
        (log,) = (arena.folder / "redis").rglob("*.incr.aof")
        kept = log.stat().st_size
        forgotten = [client.submit() for _ in range(20)]
        client.collect(seconds=30)
        arena.kill(arena.redis.process)
        with log.open("rb+") as file:
            file.truncate(kept)
        arena.redis.start()

        for submission in forgotten:
            submission.outcome = None
            client.send(submission, attempts=20)

        judge(arena, client, seconds=60)
