"""Workers that are stopped and started in turn while signups come in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from local_stack.process import ManagedProcess
    from tests.faults.conftest import Judge


def _times_ready(worker: ManagedProcess) -> int:
    return worker.log_path.read_text().count("worker_ready")


def _has_become_ready(worker: ManagedProcess, *, before: int) -> bool:
    return _times_ready(worker) > before


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_workers_that_are_restarted_in_turn_leave_nothing_to_the_sweeper(tmp_path: Path, judge: Judge) -> None:
    with Arena(tmp_path) as arena:
        workers = [arena.start_worker() for _ in range(2)]
        client = Client(arena)
        client.load(seconds=900, threads=6, follow=True)
        for worker in 3 * workers:
            ready = _times_ready(worker)
            assert worker.terminate(28)
            assert worker.exit_code == 0
            worker.start()
            wait_until(partial(_has_become_ready, worker, before=ready), timeout=30, what="it is back")
        client.end_load()

        verdict = judge(arena, client)

        assert verdict.resends == 0
