"""What a worker tells of itself, and what it leaves behind, while Redis or MongoDB is away."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest

from schemas.protocol.keys import HELD_KEY, QUEUE, State, record_key
from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client
from tests.support.waiting import wait_until
from worker.consuming.health import BEAT_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from local_stack.process import ManagedProcess
    from tests.faults.conftest import Judge

_SEVERAL_BEATS: Final = 4 * BEAT_SECONDS


def _is_rewritten(health_file: Path) -> bool:
    """Whether the worker writes its health file again and again. A worker that cannot work removes the file."""

    def written_at() -> int:
        return health_file.stat().st_mtime_ns if health_file.exists() else 0

    before = written_at()
    try:
        wait_until(lambda: written_at() not in {0, before}, timeout=_SEVERAL_BEATS, what="another beat")
    except AssertionError:
        return False
    return True


def _event(worker: ManagedProcess, event: str) -> bool:
    return f'"event": "{event}"' in worker.log_path.read_text()


@pytest.mark.slow
def test_a_worker_that_is_stopped_while_mongodb_is_away_gives_its_tasks_back(tmp_path: Path, judge: Judge) -> None:
    with Arena(tmp_path) as arena, arena.redis_client() as redis_client:
        worker = arena.start_worker(INTAKE_MONGODB_AWAY_SECONDS="600")
        (member,) = arena.mongo.members
        member.stop()
        client = Client(arena)
        submissions = [client.submit() for _ in range(20)]
        wait_until(lambda: _event(worker, "dependency_away"), timeout=30, what="it waits for MongoDB")
        health_file = arena.folder / "health-0.json"
        assert _is_rewritten(health_file), "restarting it would help nobody"
        assert json.loads(health_file.read_text())["tasks_held"] == len(submissions)

        assert worker.terminate(28), "no delay beyond half a minute"

        assert worker.exit_code == 0
        for submission in submissions:
            assert submission.task_id is not None
            record = redis_client.hgetall(record_key(submission.task_id))
            # A task was begun and given back, or not begun and put back.
            assert record[b"state"].decode() in {State.RETRY, State.PENDING}
            assert record[b"starts"] == b"0", "the start does not count"
        assert redis_client.llen(QUEUE) == len(submissions)
        assert not redis_client.exists(HELD_KEY)

        member.start()
        arena.start_worker()
        judge(arena, client, seconds=30)
        assert all(submission.outcome is not None for submission in submissions)


@pytest.mark.slow
def test_a_worker_that_redis_does_not_answer_is_not_healthy_until_it_does(tmp_path: Path) -> None:
    with Arena(tmp_path) as arena:
        health_file = arena.folder / "health-0.json"
        worker = arena.start_worker()
        wait_until(lambda: _is_rewritten(health_file), timeout=60, what="it consumes")
        document = json.loads(health_file.read_text())
        assert (document["pid"], document["consuming"]) == (worker.pid, True)
        assert abs((datetime.now(UTC) - datetime.fromisoformat(document["at"])).total_seconds()) < 60

        arena.redis.process.pause()
        wait_until(lambda: not _is_rewritten(health_file), timeout=60, what="it says nothing any more")
        arena.redis.process.resume()
        wait_until(lambda: _is_rewritten(health_file), timeout=60, what="it consumes again")
