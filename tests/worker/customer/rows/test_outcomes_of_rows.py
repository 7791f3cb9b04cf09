"""Each row of a chunk gets exactly one outcome, however often the chunk is delivered."""

from __future__ import annotations

import pytest

from schemas.batch.content import Mode
from tests.worker.customer.batch_intake import BatchIntake, row
from tests.worker.customer.intake import BrokenBetweenInsertAndFinish


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
