"""More signups than there is room for, and tasks that kill their worker."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import pytest

from console.service.dead_letters import DeadLetters
from schemas.protocol.keys import DEAD_KEY, OPEN_KEY, QUEUE, record_key
from tests.faults.harness.arena import VISIBILITY_TIMEOUT_SECONDS, Arena
from tests.faults.harness.history import Client
from tests.faults.harness.hooked_worker import POISON
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Judge

pytestmark = pytest.mark.slow

_BACKLOG: Final = 2000
_HASHES_A_SECOND: Final = 48
"""About what one core hashes at the default cost. So the backlog lasts ten visibility timeouts."""


def test_a_backlog_of_ten_visibility_timeouts_is_hardly_ever_sent_again(tmp_path: Path, judge: Judge) -> None:
    assert _BACKLOG / _HASHES_A_SECOND >= 10 * VISIBILITY_TIMEOUT_SECONDS
    with Arena(tmp_path, settings={"INTAKE_MAX_OPEN_TASKS": str(_BACKLOG)}) as arena:
        client = Client(arena)
        threads = [threading.Thread(target=lambda: [client.submit() for _ in range(_BACKLOG // 4)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        one_more = client.submit(retry=False)
        assert dict(one_more.refused) == {"429": 1}, "the queue's length is bounded"
        arena.start_worker(INTAKE_ARGON2_TEST_PROFILE="0", INTAKE_HASH_CONCURRENCY="1")

        verdict = judge(arena, client, seconds=180)

        assert verdict.resends <= _BACKLOG // 100


def test_a_task_that_kills_its_worker_is_parked_and_its_neighbours_are_not(tmp_path: Path, judge: Judge) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    with Arena(tmp_path / "arena", settings={"INTAKE_MAXIMUM_STARTS": "3"}) as arena, arena.redis_client() as redis:
        client = Client(arena)
        for _ in range(3):
            client.submit()
        poison = client.submit(password_suffix=POISON)
        for _ in range(3):
            client.submit()
        worker = arena.start_worker(
            module="tests.faults.harness.hooked_worker", wait=False, FAULT_HOOK="poison", FAULT_FLAG=str(flag)
        )

        def parked() -> bool:
            if not worker.alive:
                arena.kills += 1
                arena.restart_worker(worker)
            return bool(redis.zcard(DEAD_KEY) == 1)

        wait_until(parked, timeout=120, what="the poison is parked")
        letters = DeadLetters(redis)
        (letter,) = letters.all()
        assert (letter.task_id, letter.reason) == (poison.task_id, "too_many_starts")
        wait_until(lambda: redis.zcard(OPEN_KEY) == 0, timeout=60, what="the neighbours are done")
        flag.unlink()
        assert letters.requeue(letter.task_id) == "written"

        judge(arena, client)

        assert poison.outcome is not None
        assert poison.outcome["ok"] is True


def test_a_redis_out_of_memory_half_accepts_nothing_and_drains_by_itself(tmp_path: Path, judge: Judge) -> None:
    with Arena(tmp_path, redis_lines=["maxmemory 6mb"]) as arena, arena.redis_client() as redis:
        client = Client(arena)
        while True:
            submission = client.submit(retry=False)
            if not submission.accepted:
                break
        assert set(submission.refused) <= {"503", "429"}
        accepted = [each for each in client.history if each.accepted]
        assert redis.zcard(OPEN_KEY) == redis.llen(QUEUE) == len(accepted)
        assert redis.exists(*(record_key(str(each.task_id)) for each in accepted)) == len(accepted)
        arena.start_worker()

        judge(arena, client, seconds=120)
