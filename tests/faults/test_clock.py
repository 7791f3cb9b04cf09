"""Redis has times in the future, because its clock was ahead for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from schemas.protocol.keys import HELD_KEY, OPEN_KEY, RESENT_KEY, Field
from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from tests.faults.conftest import Judge

_AN_HOUR: Final = 3600 * 1000


def _shift_all_times(client: redis.Redis, milliseconds: int) -> None:
    for key in (OPEN_KEY, HELD_KEY, RESENT_KEY):
        for member, _ in client.zscan_iter(key):
            client.zincrby(key, milliseconds, member)
    for key in client.scan_iter("intake:task:*"):
        for field in (Field.ACCEPTED_AT, Field.SENT_AT, Field.MISSING_AT):
            if client.hexists(key, field):
                client.hincrby(key, field, milliseconds)
    for key in client.scan_iter("intake:rate:*"):
        client.set(key, float(client.get(key) or 0) + milliseconds, keepttl=True)


@pytest.mark.slow
def test_a_clock_that_was_an_hour_ahead_for_a_while_holds_up_no_task_and_no_caller(
    tmp_path: Path, judge: Judge
) -> None:
    settings = {"INTAKE_RATE_PER_SECOND": "20", "INTAKE_RATE_BURST": "10"}
    with Arena(tmp_path, settings=settings) as arena, arena.redis_client() as redis_client:
        worker = arena.start_worker()
        client = Client(arena)
        worker.pause()
        # One task was popped by a worker that dies now, one waits in the queue, and that worker holds one.
        for _ in range(15):
            client.submit()
        wait_until(lambda: redis_client.zcard(OPEN_KEY) == 15, what="all are open")
        arena.kill(worker)
        _shift_all_times(redis_client, _AN_HOUR)

        for _ in range(15):
            client.submit()
        arena.restart_worker(worker)

        judge(arena, client, seconds=60)
