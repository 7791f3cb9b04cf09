"""Processes are killed at the steps that matter most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.protocol.keys import HELD_KEY
from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Judge


@pytest.mark.parametrize("hook", ["before_finish", pytest.param("after_finish", marks=pytest.mark.slow)])
def test_a_worker_killed_around_finish_leaves_one_customer_and_the_outcome_created(
    tmp_path: Path, judge: Judge, hook: str
) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    with Arena(tmp_path / "arena") as arena:
        worker = arena.start_worker(module="tests.faults.harness.hooked_worker", FAULT_HOOK=hook, FAULT_FLAG=str(flag))
        client = Client(arena)
        submission = client.submit()
        wait_until(lambda: not worker.alive, timeout=20, what="the worker kills itself")
        arena.kills += 1
        assert len(arena.customers()) == 1
        arena.restart_worker(worker)

        judge(arena, client)

        assert submission.outcome is not None
        assert submission.outcome["ok"] is True
        with arena.redis_client() as redis_client:
            wait_until(lambda: redis_client.zcard(HELD_KEY) == 0, timeout=30, what="nobody holds it any more")
        assert len(arena.customers()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("hook", ["before_accept", "after_accept"])
def test_a_shim_killed_around_accepting_makes_one_task_when_the_client_retries_with_its_key(
    tmp_path: Path, judge: Judge, hook: str
) -> None:
    flag = tmp_path / "flag"
    with Arena(
        tmp_path / "arena",
        shim_module="tests.faults.harness.hooked_shim",
        settings={"FAULT_HOOK": hook, "FAULT_FLAG": str(flag)},
    ) as arena:
        client = Client(arena)
        flag.touch()
        submission = client.submit(retry=False)
        assert not submission.accepted
        wait_until(lambda: not arena.shim.alive, timeout=10, what="the shim kills itself")
        arena.kills += 1
        arena.start_shim()
        client.send(submission, attempts=5)
        arena.start_worker()

        judge(arena, client)

        assert submission.outcome is not None
        assert submission.outcome["ok"] is True
        assert len(arena.customers()) == 1
