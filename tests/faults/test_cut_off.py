"""A worker that cannot reach MongoDB keeps no task from other workers, and its starts do not count."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

from schemas.protocol.keys import DEAD_KEY, HELD_KEY, QUEUE, record_key
from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client
from tests.faults.harness.tcp_proxy import TcpProxy
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from local_stack.process import ManagedProcess
    from tests.faults.conftest import Judge

SOON: Final = {"INTAKE_MONGODB_TIMEOUT_SECONDS": "1", "INTAKE_MONGODB_AWAY_SECONDS": "1"}


def _count(worker: ManagedProcess, event: str) -> int:
    """How often the worker has logged this about MongoDB."""
    lines = worker.log_path.read_text().splitlines()
    return sum(f'"event": "{event}"' in line and '"dependency": "database"' in line for line in lines)


def _given_back(worker: ManagedProcess) -> int:
    return worker.log_path.read_text().count('"outcome": "given_back"')


@pytest.mark.slow
def test_what_a_worker_that_alone_is_cut_off_from_mongodb_holds_is_soon_worked_by_another(
    tmp_path: Path, judge: Judge
) -> None:
    with Arena(tmp_path, settings=SOON) as arena, TcpProxy(arena.mongo.members[0].port) as proxy:
        # The driver connects directly. Otherwise the replica set would tell it a way around the proxy.
        through = f"mongodb://127.0.0.1:{proxy.port}/?directConnection=true"
        lonely = arena.start_worker(INTAKE_MONGODB_URI=through)
        client = Client(arena)
        proxy.black_hole = True
        submissions = [client.submit() for _ in range(20)]
        with arena.redis_client() as redis_client:
            wait_until(lambda: redis_client.zcard(HELD_KEY), timeout=20, what="it has taken tasks")
        other = arena.start_worker()

        judge(arena, client, seconds=25)

        assert all(submission.outcome is not None for submission in submissions)
        assert _count(lonely, "taking_stopped") == 1
        assert _count(other, "taking_stopped") == 0
        proxy.black_hole = False
        wait_until(lambda: _count(lonely, "taking_tasks") == 2, timeout=20, what="it takes tasks again")
        assert arena.probe("readyz") is not None


@pytest.mark.slow
def test_while_mongodb_is_away_for_all_workers_tasks_wait_in_redis_and_nothing_is_counted(
    tmp_path: Path, judge: Judge
) -> None:
    with Arena(tmp_path, settings=SOON) as arena, arena.redis_client() as redis_client:
        workers = [arena.start_worker() for _ in range(2)]
        (member,) = arena.mongo.members
        member.stop()
        client = Client(arena)
        submissions = [client.submit() for _ in range(100)]
        wait_until(
            lambda: all(_count(worker, "taking_stopped") for worker in workers), timeout=30, what="they take no more"
        )
        wait_until(lambda: redis_client.llen(QUEUE) == len(submissions), timeout=30, what="all are back in the queue")
        given_back = sum(map(_given_back, workers))
        # This is longer than several sweeps and the grace time. No task is taken for lost, and none goes to and fro.
        with pytest.raises(AssertionError):
            wait_until(lambda: redis_client.llen(QUEUE) != len(submissions), timeout=8, what="something moves")

        assert sum(map(_given_back, workers)) == given_back
        assert given_back < 2 * len(submissions)
        assert redis_client.zcount(HELD_KEY, 1000 * time.time(), "+inf") == 0, "no lease holds"
        assert redis_client.zcard(DEAD_KEY) == 0
        for submission in submissions:
            assert submission.task_id is not None
            assert redis_client.hget(record_key(submission.task_id), "starts") == b"0"

        member.start()
        verdict = judge(arena, client, seconds=60)
        assert verdict.resends == 0
