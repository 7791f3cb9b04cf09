"""A worker that holds a chunk, stands still for longer than its lease, and then goes on as if nothing had happened."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from pymongo import MongoClient

from schemas.protocol.keys import HELD_KEY
from tests.faults.harness.arena import DATABASE, Arena
from tests.faults.harness.batch_client import BatchClient, outcomes_of
from tests.faults.harness.batch_rows import email_of, hashed_rows
from tests.faults.harness.history import Client, Submission
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from local_stack.process import ManagedProcess
    from tests.faults.conftest import JudgeOfRows

pytestmark = pytest.mark.slow

_ROWS: Final = 256
_HELD_ROW: Final = 100


def _frozen_worker(arena: Arena, flag: Path, *, lease_seconds: str) -> ManagedProcess:
    flag.touch()
    return arena.start_worker(
        module="tests.faults.harness.hooked_worker",
        FAULT_HOOK="frozen_before_insert",
        FAULT_FLAG=str(flag),
        INTAKE_VISIBILITY_TIMEOUT_SECONDS=lease_seconds,
    )


def _wake(frozen: ManagedProcess) -> None:
    frozen.resume()
    wait_until(lambda: '"event": "chunk"' in frozen.log_path.read_text(), timeout=30, what="it has ended its chunk")
    assert '"outcome": "finished"' in frozen.log_path.read_text(), "it found the outcomes of another"


def test_a_frozen_worker_that_wakes_after_another_has_worked_its_chunk_doubles_nothing(
    tmp_path: Path, judge_rows: JudgeOfRows
) -> None:
    flag = tmp_path / "flag"
    with Arena(tmp_path / "arena") as arena, arena.redis_client() as redis:
        frozen = _frozen_worker(arena, flag, lease_seconds="4")
        client = BatchClient(arena, partial(hashed_rows, _ROWS))
        batch_id = client.upload()
        wait_until(lambda: not flag.exists(), timeout=20, what="the worker freezes before its insert")
        arena.start_worker()
        told = client.read(batch_id)

        _wake(frozen)

        assert client.read(batch_id) == told
        assert outcomes_of(told) == {"created": _ROWS}
        assert client.summary(batch_id)["outcomes"] == {"created": _ROWS}
        assert judge_rows(arena, batch_id, told, rows=_ROWS).resends > 0
        wait_until(lambda: redis.zcard(HELD_KEY) == 0, timeout=30, what="nobody holds it any more")


def test_outcomes_of_rows_that_a_client_has_read_are_not_overwritten_by_a_worker_that_was_frozen(
    tmp_path: Path,
) -> None:
    """This is the worst case: meanwhile the answer that the frozen worker would give for a row has become true."""
    flag = tmp_path / "flag"
    with Arena(tmp_path / "arena") as arena:
        # The lease is so long that the signup comes first.
        frozen = _frozen_worker(arena, flag, lease_seconds="10")
        client = BatchClient(arena, partial(hashed_rows, _ROWS))
        batch_id = client.upload()
        wait_until(lambda: not flag.exists(), timeout=20, what="the worker freezes before its insert")
        arena.start_worker()
        signups = Client(arena)
        document = {"email": email_of(_HELD_ROW), "password": "p", "firstName": "Holder", "lastName": "Last"}
        holder = Submission("holder", document)
        signups.send(holder, attempts=5)
        signups.follow(holder)
        assert holder.outcome is not None
        assert holder.outcome["ok"] is True
        told = client.read(batch_id)
        assert outcomes_of(told) == {"created": _ROWS - 1, "duplicate_key": 1}
        assert told[_HELD_ROW - 1].outcome == "duplicate_key"

        with MongoClient[dict[str, Any]](arena.mongo.uri) as mongo:
            mongo[DATABASE]["customers"].delete_one({"_id": holder.outcome["customer"]["id"]})
        _wake(frozen)

        assert client.read(batch_id) == told
        assert client.summary(batch_id)["outcomes"] == outcomes_of(told)
