"""A chunk with one row that kills each worker that works on it. The other rows are good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from console.service.dead_letters import DeadLetters
from schemas.protocol.keys import DEAD_KEY
from tests.faults.harness.arena import Arena
from tests.faults.harness.batch_client import BatchClient, outcomes_of
from tests.faults.harness.batch_rows import password_row
from tests.faults.harness.hooked_worker import POISON
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import JudgeOfRows

_ROWS: Final = 256
_POISON_ROW: Final = 171

_LOST_SOON: Final = {
    "INTAKE_VISIBILITY_TIMEOUT_SECONDS": "3",
    "INTAKE_SWEEP_INTERVAL_SECONDS": "0.2",
    "INTAKE_SWEEP_GRACE_SECONDS": "0.2",
    "INTAKE_MAXIMUM_STARTS": "3",
}


def _rows() -> list[bytes]:
    return [password_row(number, suffix=POISON if number == _POISON_ROW else "") for number in range(1, _ROWS + 1)]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_row_that_kills_its_worker_is_the_only_dead_letter_of_its_chunk(
    tmp_path: Path, judge_rows: JudgeOfRows
) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    with Arena(tmp_path / "arena", settings=_LOST_SOON) as arena, arena.redis_client() as redis:
        client = BatchClient(arena, _rows)
        batch_id = client.upload()
        worker = arena.start_worker(
            module="tests.faults.harness.hooked_worker", wait=False, FAULT_HOOK="poison", FAULT_FLAG=str(flag)
        )

        def is_done() -> bool:
            if not worker.alive:
                arena.kills += 1
                arena.restart_worker(worker)
            return bool(client.summary(batch_id)["status"] == "DONE")

        wait_until(is_done, timeout=300, what="the batch has ended")
        assert client.summary(batch_id)["outcomes"] == {"created": _ROWS - 1, "internal_error": 1}
        told = client.read(batch_id)
        assert [row.row for row in told if row.outcome != "created"] == [_POISON_ROW]
        assert len(arena.customers()) == _ROWS - 1
        assert redis.zcard(DEAD_KEY) == 1
        letters = DeadLetters(redis)
        (letter,) = letters.all()
        assert letter.reason == "too_many_starts"

        flag.unlink()
        assert letters.requeue(letter.task_id) == "written"
        wait_until(lambda: redis.zcard(DEAD_KEY) == 0, what="it is no dead letter")
        told = client.read(batch_id)

        assert outcomes_of(told) == {"created": _ROWS}
        assert client.summary(batch_id)["outcomes"] == {"created": _ROWS}
        judge_rows(arena, batch_id, told, rows=_ROWS)
