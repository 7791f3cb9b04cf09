"""Requests that this worker cannot read are deferred for another worker, or become dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.ids import new_task_id
from schemas.protocol.keys import RECORD_FORM, Field, record_key
from schemas.sealing import generate_key_pair
from tests.support.requests import a_request, as_body
from tests.worker.customer.intake import Intake, damage

if TYPE_CHECKING:
    from collections.abc import Callable


def of_a_newer_version(intake: Intake) -> str:
    task_id = intake.accept(as_body(a_request()))
    damage(intake, task_id, 0)
    return task_id


def with_a_newer_record(intake: Intake) -> str:
    task_id = intake.accept(as_body(a_request()))
    intake.client.hset(record_key(task_id), Field.FORM, RECORD_FORM + 1)
    return task_id


def to_another_key(intake: Intake) -> str:
    return intake.accept(as_body(a_request()), pair=generate_key_pair())


UNREADABLE_HERE = pytest.mark.parametrize(
    ("accept", "reason"),
    [
        (of_a_newer_version, "unknown_envelope_version"),
        (with_a_newer_record, "unknown_record_form"),
        (to_another_key, "unknown_sealing_key"),
    ],
)


@UNREADABLE_HERE
def test_a_request_that_another_worker_may_read_is_deferred_and_the_start_does_not_count(
    intake: Intake, accept: Callable[[Intake], str], reason: str
) -> None:
    intake.unreadable_wait_seconds = 300
    task_id = accept(intake)
    intake.scripts.lose_message()
    for _ in range(7):
        assert intake.run_one(task_id) == "deferred"
    record = intake.scripts.record(task_id)
    assert (record["state"], record["starts"], record["sends"]) == ("RETRY", "0", "1")
    assert intake.scripts.queued() == []
    assert intake.scripts.dead_ids() == set()
    deferred = intake.metrics.registry.get_sample_value("intake_tasks_deferred_total", {"reason": reason})
    assert deferred == 7


def test_the_sweeper_sends_a_deferred_task_again_and_a_worker_that_can_read_it_makes_the_customer(
    intake: Intake,
) -> None:
    intake.unreadable_wait_seconds = 300
    task_id = of_a_newer_version(intake)
    intake.scripts.lose_message()
    assert intake.run_one(task_id) == "deferred"
    assert intake.scripts.sweep(grace_milliseconds=60_000) == []
    intake.scripts.age(task_id, milliseconds=70_000)
    assert intake.scripts.sweep(grace_milliseconds=60_000) == [task_id]
    damage(intake, task_id, 0)  # A newer worker reads it like this.
    assert intake.run_one(task_id) == "created"


@UNREADABLE_HERE
def test_a_request_that_nobody_could_read_for_long_enough_is_a_dead_letter_with_that_reason(
    intake: Intake, accept: Callable[[Intake], str], reason: str
) -> None:
    task_id = accept(intake)
    assert intake.run_one(task_id) == reason
    assert intake.scripts.dead_ids() == {task_id}
    assert intake.scripts.record(task_id)["reason"] == reason
    assert "sealed" in intake.scripts.record(task_id)


def test_a_requeued_request_waits_anew_for_a_worker_that_can_read_it(intake: Intake) -> None:
    task_id = of_a_newer_version(intake)
    intake.unreadable_wait_seconds = 300
    assert intake.run_one(task_id) == "deferred"
    intake.client.hset(record_key(task_id), Field.DEFERRED_AT, 1)  # It was deferred long ago.
    assert intake.run_one(task_id) == "unknown_envelope_version"
    intake.scripts.requeue(task_id)
    assert intake.run_one(task_id) == "deferred"


def test_a_request_that_cannot_be_read_does_no_harm_to_the_others_of_its_group(intake: Intake) -> None:
    intake.unreadable_wait_seconds = 300
    newer, good, foreign = of_a_newer_version(intake), intake.accept(as_body(a_request())), to_another_key(intake)
    assert intake.run(newer, good, foreign) == ["deferred", "created", "deferred"]


def test_a_newer_record_is_left_alone_however_often_it_was_started(intake: Intake) -> None:
    intake.unreadable_wait_seconds = 300
    task_id = with_a_newer_record(intake)
    intake.client.hset(record_key(task_id), Field.STARTS, 100)
    assert intake.run_one(task_id) == "deferred"
    assert intake.scripts.dead_ids() == set()


def test_a_record_of_the_release_before_has_no_form_and_is_worked_on(intake: Intake) -> None:
    task_id = intake.accept(as_body(a_request()))
    intake.client.hdel(record_key(task_id), Field.FORM)
    assert intake.run_one(task_id) == "created"


def test_a_request_sealed_for_another_task_is_a_dead_letter_and_stores_nothing(intake: Intake) -> None:
    task_id = intake.accept(as_body(a_request()), sealed_for=new_task_id())
    assert intake.run_one(task_id) == "sealed_request_unreadable"
    assert intake.scripts.dead_ids() == {task_id}
    assert intake.customers.all() == []
