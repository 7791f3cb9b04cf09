"""A worker that stands still for longer than its lease, and then goes on as if nothing had happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pymongo import MongoClient

from tests.faults.harness.arena import DATABASE, Arena
from tests.faults.harness.history import Client, Submission
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_an_outcome_that_a_client_has_read_is_not_overwritten_by_a_worker_that_was_frozen(tmp_path: Path) -> None:
    """This is the worst case: meanwhile the answer that the frozen worker would give has become true."""
    flag = tmp_path / "flag"
    flag.touch()
    with Arena(tmp_path / "arena") as arena, arena.redis_client() as redis_client:
        frozen = arena.start_worker(
            module="tests.faults.harness.hooked_worker",
            FAULT_HOOK="frozen_before_insert",
            FAULT_FLAG=str(flag),
            # This is long enough for the other signup to come first.
            INTAKE_VISIBILITY_TIMEOUT_SECONDS="10",
        )
        client = Client(arena)
        mine = client.submit()
        wait_until(lambda: not flag.exists(), timeout=20, what="the worker freezes before its insert")
        wait_until(lambda: redis_client.info("clients")["blocked_clients"] == 0, what="it asks for no more messages")
        arena.start_worker()
        holder = Submission("holder", {**mine.document, "firstName": "Holder"})
        client.send(holder, attempts=5)
        client.history.insert(0, holder)

        client.collect(seconds=30)
        assert holder.outcome is not None
        assert holder.outcome["ok"] is True
        told = mine.outcome
        assert told is not None
        assert told["error"] == "duplicate_key"

        with MongoClient[dict[str, Any]](arena.mongo.uri) as mongo:
            mongo[DATABASE]["customers"].delete_one({"_id": holder.outcome["customer"]["id"]})
        frozen.resume()
        wait_until(lambda: '"event": "task"' in frozen.log_path.read_text(), timeout=20, what="it has ended its task")
        mine.outcome = None
        client.collect(seconds=10)
        client.close()
        assert mine.outcome == told
