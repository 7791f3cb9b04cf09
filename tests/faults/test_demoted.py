"""A primary that is demoted while every connection to it stays open."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Judge

pytestmark = pytest.mark.slow

_PAUSE: Final = threading.Event()


def test_shim_and_worker_follow_the_name_to_the_new_primary(tmp_path: Path, judge: Judge) -> None:
    """The old primary is a replica now. It answers, refuses writes, and closes no connection."""
    with Arena(tmp_path, links=True, standby=True) as arena:
        arena.start_worker()
        client = Client(arena)
        load = client.load(seconds=25, pause=0.05, follow=True)
        for _ in range(2):
            _PAUSE.wait(5)
            arena.fail_over()
        for thread in load:
            thread.join()
        after = [client.submit() for _ in range(10)]

        judge(arena, client)

        assert all(submission.attempts == 1 for submission in after)
        assert arena.readiness()[0] == 200


def test_a_shim_whose_name_leads_to_a_replica_is_not_ready(tmp_path: Path, judge: Judge) -> None:
    with Arena(tmp_path, links=True, standby=True) as arena:
        client = Client(arena)
        client.submit()
        old = arena.redis
        arena.fail_over()
        arena.links.shim_redis.retarget(old.port)
        arena.links.shim_redis.reset()
        refused = client.submit(retry=False)
        assert dict(refused.refused) == {"503": 1}
        wait_until(lambda: arena.readiness()[0] == 503, timeout=20, what="the shim is not ready")
        arena.links.shim_redis.retarget(arena.redis.port)

        wait_until(lambda: arena.readiness()[0] == 200, timeout=20, what="the shim has found the primary")
        client.send(refused, attempts=20)
        arena.start_worker()
        judge(arena, client)
