"""Single signups while a batch keeps every core busy."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.harness.arena import Arena
from tests.faults.harness.batch_client import BatchClient, outcomes_of
from tests.faults.harness.batch_rows import password_rows
from tests.faults.harness.history import Client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Judge

_ROWS: Final = 600
"""How many rows. One core hashes them for longer than signups come."""
_SECONDS: Final = 5
"""How many seconds signups come, ten in each."""


@pytest.mark.slow
def test_signups_beside_a_batch_that_hashes_all_get_their_outcomes_while_it_runs(tmp_path: Path, judge: Judge) -> None:
    with Arena(tmp_path, settings={"INTAKE_ARGON2_TEST_PROFILE": "0"}) as arena:
        batch = BatchClient(arena, partial(password_rows, _ROWS))
        batch_id = batch.upload()
        arena.start_worker(INTAKE_HASH_CONCURRENCY="1")
        client = Client(arena)
        for thread in client.load(seconds=_SECONDS, threads=1, pause=0.1):
            thread.join()
        client.collect(seconds=60)
        assert batch.summary(batch_id)["status"] == "RUNNING", "the signups did not wait for the batch"

        told = batch.read(batch_id, seconds=200)

        assert outcomes_of(told) == {"created": _ROWS}
        judge(arena, client)
