"""Rows that bring a hash of another system instead of a password."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from schemas.batch.content import Mode
from schemas.password_hashes.parsing import HashRules
from tests.support.requests import a_password_hash, an_import, as_body
from tests.worker.customer.batch_intake import BatchIntake, row
from tests.worker.customer.intake import BrokenBetweenInsertAndFinish
from worker.metrics import WorkerMetrics

if TYPE_CHECKING:
    import redis


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
