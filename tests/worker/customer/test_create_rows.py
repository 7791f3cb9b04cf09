"""Each row of a chunk gets exactly one outcome, however often the chunk is delivered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from schemas.batch.content import Mode
from schemas.password_hashes.parsing import HashRules
from schemas.protocol.keys import DEAD_KEY, RECORD_FORM, Field, record_key
from schemas.protocol.lanes import CHUNKS
from schemas.sealing import generate_key_pair
from tests.support.requests import a_password_hash, an_import, as_body
from tests.worker.customer.batch_intake import BatchIntake, row
from tests.worker.customer.intake import BrokenBetweenInsertAndFinish
from worker.customer.customers import NotStored
from worker.dependencies.errors import GiveBackError
from worker.dependencies.mongo_refusals import Kind, Refusal
from worker.metrics import WorkerMetrics

if TYPE_CHECKING:
    import redis

    from schemas.customer import StoredCustomer
    from worker.customer.customers import Added, EmailTaken


@pytest.fixture
def intake(redis_client: redis.Redis) -> BatchIntake:
    return BatchIntake(redis_client, WorkerMetrics())


@pytest.fixture
def batch_id(intake: BatchIntake) -> str:
    return intake.batches.open()


def test_each_row_has_the_outcome_that_a_single_signup_would_have(intake: BatchIntake, batch_id: str) -> None:
    chunk = intake.accept(
        batch_id,
        row(1),
        b"no json",
        b'["no object"]',
        row(2, email="nobody"),
        row(3, firstName=""),
        row(4, addresses=[]),
        b"f" * 64,
        row(5, tags=["\udc00"]).replace(b"\\udc00", b"\\ud800"),
        row(6, password="p\x00"),
        too_long=[6],
    )
    assert intake.run(chunk) == "done"
    assert intake.outcomes(batch_id) == [
        "created",
        "validation_error",
        "validation_error",
        "customer_invalid_email",
        "validation_error",
        "created",
        "validation_error",
        "validation_error",
        "validation_error",
    ]
    assert intake.results(batch_id)[6]["data"] == {
        "errors": [{"field": "", "message": "the line is longer than 1000 bytes"}]
    }
    assert intake.results(batch_id)[0]["customer"]["email"] == "row1@a.example.com"
    summary = intake.summary(batch_id)
    assert summary.has_ended
    assert summary.outcomes == {"created": 2, "validation_error": 6, "customer_invalid_email": 1}
    assert {each["origin"] for each in intake.customers.all()} == {f"{chunk}:0", f"{chunk}:5"}


def test_a_row_that_was_stored_before_its_worker_died_is_created_for_the_next_delivery(
    intake: BatchIntake, batch_id: str
) -> None:
    chunk = intake.accept(batch_id, *map(row, range(4)))
    intake.customers.dies_after_insert = True
    with pytest.raises(BrokenBetweenInsertAndFinish):
        intake.run(chunk)
    intake.batches.die(chunk)
    assert intake.run(chunk) == "done"
    assert intake.outcomes(batch_id) == ["created"] * 4
    assert intake.run(chunk) == "finished"
    assert len(intake.customers.all()) == 4


def test_a_row_that_was_in_before_is_repeated_in_any_chunk(intake: BatchIntake, batch_id: str) -> None:
    intake.run(intake.accept(batch_id, row(1), row(2)))
    later = intake.batches.open()
    hashes = intake.passwords.hashes
    intake.run(intake.accept(later, row(0), row(2), row(1), row(2)))
    assert intake.outcomes(later) == ["created", "repeated", "repeated", "repeated"]
    assert intake.passwords.hashes == hashes + 1
    assert intake.results(later)[1]["customer"] == intake.results(batch_id)[1]["customer"]

    other_name = intake.batches.open()
    intake.run(intake.accept(other_name, row(1), name="another name"))
    assert intake.outcomes(other_name) == ["duplicate_key"]


def test_of_rows_with_one_email_the_first_wins_and_only_that_one_is_hashed(intake: BatchIntake, batch_id: str) -> None:
    same = "One@a.example.com"
    chunk = intake.accept(
        batch_id,
        row(1, email=same, country="none"),
        row(2, email=same),
        row(3, email=same.lower(), lastName="Another"),
        row(4),
        row(2, email=same),
    )
    intake.run(chunk)
    assert intake.outcomes(batch_id) == ["validation_error", "created", "duplicate_key", "created", "repeated"]
    assert intake.passwords.hashes == 2


def test_rows_whose_email_is_taken_cost_no_hash(intake: BatchIntake, batch_id: str) -> None:
    intake.run(intake.accept(batch_id, *map(row, range(8)), name="first"))
    assert intake.passwords.hashes == 8
    later = intake.batches.open()
    intake.run(intake.accept(later, *map(row, range(8)), name="second"))
    assert intake.outcomes(later) == ["duplicate_key"] * 8
    assert intake.passwords.hashes == 8


def test_an_email_that_another_takes_between_look_up_and_insert_is_a_duplicate(
    intake: BatchIntake, batch_id: str
) -> None:
    chunk = intake.accept(batch_id, row(1), row(2))

    def another_worker_is_quicker() -> None:
        intake.passwords.before_each = lambda: None
        other = intake.batches.open()
        intake.run(intake.accept(other, row(1, lastName="Quicker"), name="other"))

    intake.passwords.before_each = another_worker_is_quicker
    # The pool has one thread, so the other chunk needs a pool of its own.
    intake.use_case = BatchIntake(intake.client, intake.metrics, intake.customers).use_case
    first = BatchIntake(intake.client, intake.metrics, intake.customers, intake.passwords)
    first.run(chunk)
    assert intake.outcomes(batch_id) == ["duplicate_key", "created"]


def test_a_validated_row_is_told_what_would_come_of_it_and_nothing_is_stored_or_hashed(
    intake: BatchIntake, batch_id: str
) -> None:
    intake.run(intake.accept(batch_id, row(1), row(2), name="stored"))
    before = intake.customers.all()
    hashes = intake.passwords.hashes
    checked = intake.batches.open()
    rows = (row(1), row(2, lastName="Other"), row(3), row(3), row(3, lastName="Other"), row(4, firstName=""))
    first = intake.accept(checked, *rows, name="stored", mode=Mode.VALIDATE)
    second = intake.accept(checked, row(3, lastName="Third"), row(5), name="stored", mode=Mode.VALIDATE)
    for _ in range(2):
        intake.run(first)
        intake.run(second)
    assert intake.outcomes(checked) == [
        "valid",
        "duplicate_key",
        "valid",
        "valid",
        "duplicate_key",
        "validation_error",
        "duplicate_key",
        "valid",
    ]
    assert (intake.customers.all(), intake.passwords.hashes) == (before, hashes)


def test_rows_with_hashes_of_another_system_cost_no_hash_and_are_otherwise_like_all_rows(
    intake: BatchIntake, batch_id: str
) -> None:
    rows = [as_body(an_import(a_password_hash(), email=f"i{number}@a.example.com")) for number in range(40)]
    duplicate = as_body(an_import(a_password_hash(), email="I1@a.example.com"))
    chunk = intake.accept(batch_id, *rows, row(1), duplicate, rows[0], may_import=True)
    assert intake.run(chunk) == "done"
    assert intake.outcomes(batch_id) == ["created"] * 41 + ["duplicate_key", "repeated"]
    assert intake.passwords.hashes == 1
    stored = {each["email"]: each for each in intake.customers.all()}
    assert stored["i1@a.example.com"]["password_hash"] == json.loads(rows[1])["passwordHash"]
    assert stored["i1@a.example.com"]["password_scheme"] == "pbkdf2-sha256"
    assert stored["row1@a.example.com"]["password_scheme"] == "argon2id"


def a_digest(number: int, email: str) -> bytes:
    return as_body(an_import(f"{number:032x}", email=email))


def test_each_fast_hash_costs_one_hash_and_none_where_the_email_is_taken_or_the_row_was_in(
    redis_client: redis.Redis,
) -> None:
    intake = BatchIntake(redis_client, WorkerMetrics(), hash_rules=HashRules(wraps_fast_hashes=True))
    batch_id = intake.batches.open()
    intake.run(intake.accept(batch_id, row(1), a_digest(0, "d0@a.example.com"), may_import=True))
    assert intake.passwords.hashes == 2

    later = intake.batches.open()
    rows = [
        a_digest(0, "d0@a.example.com"),
        a_digest(1, "D0@a.example.com"),
        a_digest(2, "row1@a.example.com"),
        a_digest(3, "d3@a.example.com"),
        a_digest(4, "d3@a.example.com"),
    ]
    intake.run(intake.accept(later, *rows, may_import=True))

    assert intake.outcomes(later) == ["repeated", "duplicate_key", "duplicate_key", "created", "duplicate_key"]
    assert intake.passwords.hashes == 3
    stored = {each["email"]: each["password_hash"] for each in intake.customers.all()}
    assert stored["d3@a.example.com"].startswith("$wrapped$md5$argon2id$")
    assert f"{3:032x}" not in str(stored)


def test_a_row_with_a_fast_hash_whose_worker_died_after_the_insert_is_created_once(redis_client: redis.Redis) -> None:
    intake = BatchIntake(redis_client, WorkerMetrics(), hash_rules=HashRules(wraps_fast_hashes=True))
    batch_id = intake.batches.open()
    chunk = intake.accept(batch_id, a_digest(0, "d0@a.example.com"), may_import=True)
    intake.customers.dies_after_insert = True
    with pytest.raises(BrokenBetweenInsertAndFinish):
        intake.run(chunk)
    (before,) = intake.customers.all()
    intake.batches.die(chunk)
    assert intake.run(chunk) == "done"
    assert intake.outcomes(batch_id) == ["created"]
    assert intake.customers.all() == [before]


@pytest.mark.parametrize("mode", Mode)
def test_without_the_scope_each_row_with_a_hash_is_refused_and_the_scope_is_named(
    intake: BatchIntake, batch_id: str, mode: Mode
) -> None:
    chunk = intake.accept(batch_id, as_body(an_import(a_password_hash())), row(1), may_import=False, mode=mode)
    intake.run(chunk)
    refused, other = intake.results(batch_id)
    assert refused["data"] == {
        "errors": [{"field": "passwordHash", "message": "needs a token with the scope customer:import"}]
    }
    assert other["ok"] is True


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
