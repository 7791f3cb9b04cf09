"""Processes are killed at the steps that matter most to a batch."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from schemas.protocol.keys import HELD_KEY
from schemas.protocol.lanes import CHUNKS
from tests.faults.harness.arena import Arena
from tests.faults.harness.batch_check import chunk_records
from tests.faults.harness.batch_client import ROWS_A_PIECE, BatchClient, outcomes_of
from tests.faults.harness.batch_rows import hashed_rows
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import JudgeOfRows

_ROWS: Final = 600
"""How many rows: three chunks."""
_FIRST_CHUNK_IS_SENT: Final = 5 * ROWS_A_PIECE


@pytest.mark.parametrize("hook", ["before_finish_chunk", pytest.param("after_finish_chunk", marks=pytest.mark.slow)])
def test_a_worker_killed_around_finish_leaves_each_row_one_customer_and_the_outcome_created(
    tmp_path: Path, judge_rows: JudgeOfRows, hook: str
) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    with Arena(tmp_path / "arena") as arena:
        worker = arena.start_worker(module="tests.faults.harness.hooked_worker", FAULT_HOOK=hook, FAULT_FLAG=str(flag))
        client = BatchClient(arena, partial(hashed_rows, _ROWS))
        batch_id = client.upload()
        wait_until(lambda: not worker.alive, timeout=20, what="the worker kills itself")
        arena.kills += 1
        assert arena.customers()
        arena.restart_worker(worker)

        told = client.read(batch_id)

        assert outcomes_of(told) == {"created": _ROWS}
        judge_rows(arena, batch_id, told, rows=_ROWS)
        with arena.redis_client() as redis_client:
            wait_until(lambda: redis_client.zcard(HELD_KEY) == 0, timeout=30, what="nobody holds a chunk any more")


@pytest.mark.slow
@pytest.mark.parametrize("hook", ["before_accept_chunk", "after_accept_chunk"])
def test_a_shim_killed_around_accepting_a_chunk_has_it_worked_once_when_the_same_call_comes_again(
    tmp_path: Path, judge_rows: JudgeOfRows, hook: str
) -> None:
    flag = tmp_path / "flag"
    with (
        Arena(
            tmp_path / "arena",
            shim_module="tests.faults.harness.hooked_shim",
            settings={"FAULT_HOOK": hook, "FAULT_FLAG": str(flag)},
        ) as arena,
        arena.redis_client() as redis_client,
    ):
        client = BatchClient(arena, partial(hashed_rows, _ROWS))

        def arm(place: int) -> None:
            if place == _FIRST_CHUNK_IS_SENT:
                wait_until(lambda: redis_client.llen(CHUNKS.queue) == 1, what="the first chunk is accepted")
                flag.touch()

        assert client.try_upload(gate=arm) is None
        wait_until(lambda: not arena.shim.alive, timeout=10, what="the shim kills itself")
        arena.kills += 1
        accepted_chunks = redis_client.llen(CHUNKS.queue)
        assert accepted_chunks
        arena.start_shim()
        batch_id = client.upload()
        arena.start_worker()

        told = client.read(batch_id)

        # Chunks of the call that broke off are known. Their rows count as created for that batch.
        known = sum(int(each["rows"]) for each in chunk_records(arena, batch_id)[:accepted_chunks])
        assert outcomes_of(told) == {"repeated": known, "created": _ROWS - known}
        assert sum(int(each["starts"]) for each in chunk_records(arena, batch_id)) == 3
        judge_rows(arena, batch_id, told, rows=_ROWS)
