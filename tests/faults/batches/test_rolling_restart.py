"""Workers that are stopped and started in turn while they work on a batch."""

from __future__ import annotations

from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.harness.arena import Arena
from tests.faults.harness.batch_client import BatchClient, outcomes_of
from tests.faults.harness.batch_rows import password_rows
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from local_stack.process import ManagedProcess
    from tests.faults.conftest import JudgeOfRows

_ROWS: Final = 1000
_RESTARTS: Final = 4
"""At least this number of restarts happens while the batch runs."""


def _times_ready(worker: ManagedProcess) -> int:
    return worker.log_path.read_text().count("worker_ready")


def _has_become_ready(worker: ManagedProcess, *, before: int) -> bool:
    return _times_ready(worker) > before


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_workers_that_are_restarted_in_turn_leave_no_chunk_to_the_sweeper(
    tmp_path: Path, judge_rows: JudgeOfRows
) -> None:
    with Arena(tmp_path, settings={"INTAKE_ARGON2_TEST_PROFILE": "0"}) as arena:
        client = BatchClient(arena, partial(password_rows, _ROWS))
        batch_id = client.upload()
        workers = [arena.start_worker() for _ in range(2)]
        restarts = 0
        for worker in cycle(workers):
            if client.summary(batch_id)["status"] == "DONE":
                break
            ready = _times_ready(worker)
            assert worker.terminate(28)
            assert worker.exit_code == 0
            worker.start()
            wait_until(partial(_has_become_ready, worker, before=ready), timeout=30, what="it is back")
            restarts += 1
        assert restarts >= _RESTARTS

        told = client.read(batch_id)

        assert outcomes_of(told) == {"created": _ROWS}
        assert judge_rows(arena, batch_id, told, rows=_ROWS).resends == 0
