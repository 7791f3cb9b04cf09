"""Chunks that cannot be finished in one delivery, and what becomes of their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.protocol.keys import DEAD_KEY, RECORD_FORM, Field, record_key
from schemas.protocol.lanes import CHUNKS
from schemas.sealing import generate_key_pair
from tests.worker.customer.batch_intake import BatchIntake, row
from worker.customer.customers import NotStored
from worker.dependencies.errors import GiveBackError
from worker.dependencies.mongo_refusals import Kind, Refusal
from worker.metrics import WorkerMetrics

if TYPE_CHECKING:
    import redis

    from schemas.customer import StoredCustomer
    from worker.customer.customers import Added, EmailTaken


def test_of_a_chunk_with_a_row_that_kills_its_worker_all_other_rows_are_made(
    intake: BatchIntake, batch_id: str
) -> None:
    rows = [row(number) for number in range(256)]
    rows[77] = row(77, lastName="Poison")
    intake.accept(batch_id, *rows)
    deaths = 0
    while intake.batches.queued():
        task_id = intake.batches.take()
        while True:
            record = intake.batches.record(task_id)
            first, last = int(record.get("first", 0)), int(record.get("last", 256))
            starts = int(record["starts"]) + 1
            if first <= 77 < last and (starts <= 2 or (last - first == 1 and starts <= 5)):
                intake.die_at(task_id)
                deaths += 1
                continue
            intake.run(task_id)
            break
    assert intake.outcomes(batch_id) == [*["created"] * 77, "internal_error", *["created"] * 178]
    assert intake.client.zcard(DEAD_KEY) == 1
    assert deaths == 2 + 7 + 4
    dead = intake.dead_letter()
    assert intake.batches.record(dead)["reason"] == "too_many_starts"
    assert intake.summary(batch_id).has_ended

    intake.batches.requeue(dead)
    assert intake.run(dead) == "done"
    assert intake.outcomes(batch_id) == ["created"] * 256


def test_a_row_that_the_database_refuses_alone_becomes_a_dead_letter(
    intake: BatchIntake, batch_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = intake.accept(batch_id, *map(row, range(3)))
    add = intake.customers.add

    def refuse(customer: StoredCustomer) -> Added | EmailTaken | NotStored:
        if customer["email"].startswith("row1@"):
            return NotStored(Refusal(Kind.PERMANENT, "DocumentValidationFailure"))
        return add(customer)

    monkeypatch.setattr(intake.customers, "add", refuse)
    assert intake.run(chunk) == "done"
    assert intake.outcomes(batch_id) == ["created", "internal_error", "created"]
    dead = intake.dead_letter()
    assert intake.batches.record(dead)["reason"] == "refused_by_validator"
    intake.batches.requeue(dead)
    assert intake.run(dead) == "refused_by_validator"
    monkeypatch.undo()
    intake.batches.requeue(dead)
    intake.run(dead)
    assert intake.outcomes(batch_id) == ["created"] * 3
    assert intake.summary(batch_id).outcomes == {"created": 3}


def test_a_worker_that_stops_keeps_what_it_has_hashed_and_gives_the_chunk_back(
    intake: BatchIntake, batch_id: str
) -> None:
    chunk = intake.accept(batch_id, *map(row, range(100)))
    intake.batches.take()

    def stop_at_the_fortieth() -> None:
        if intake.passwords.hashes == 39:
            intake.stopping.set()

    intake.passwords.before_each = stop_at_the_fortieth
    with pytest.raises(GiveBackError):
        intake.run(chunk)
    stored = len(intake.customers.all())
    assert stored == 40
    assert int(intake.batches.record(chunk)["starts"]) == 1

    intake.stopping.clear()
    intake.batches.die(chunk)
    assert intake.run(chunk) == "done"
    assert intake.outcomes(batch_id) == ["created"] * 100
    assert intake.passwords.hashes == 100


def test_a_chunk_with_a_newer_record_is_left_to_other_workers(redis_client: redis.Redis) -> None:
    intake = BatchIntake(redis_client, WorkerMetrics(), unreadable_wait_seconds=300)
    batch_id = intake.batches.open()
    chunk = intake.accept(batch_id, row(1), row(2))
    intake.client.hset(record_key(chunk), Field.FORM, RECORD_FORM + 1)
    for _ in range(7):
        assert intake.run(chunk) == "deferred"
    record = intake.batches.record(chunk)
    assert (record["state"], record["starts"]) == ("RETRY", "0")
    intake.client.hset(record_key(chunk), Field.FORM, RECORD_FORM)
    assert intake.run(chunk) == "done"
    assert intake.outcomes(batch_id) == ["created", "created"]


def test_a_chunk_sealed_for_a_key_that_nobody_has_waits_and_then_becomes_a_dead_letter(
    intake: BatchIntake, batch_id: str
) -> None:
    chunk = intake.accept(batch_id, row(1), pair=generate_key_pair())
    assert intake.run(chunk) == "unknown_sealing_key"
    assert intake.outcomes(batch_id) == ["internal_error"]
    damaged = intake.accept(batch_id, row(2), sealed=b"\x01" + b"x" * 100)
    intake.client.delete(CHUNKS.queue)
    assert intake.run(damaged) in {"unknown_sealing_key", "sealed_request_unreadable"}
