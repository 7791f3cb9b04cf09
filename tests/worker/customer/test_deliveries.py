"""A task has one outcome, also where it is delivered again, was left half done, or its database is away."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.ids import new_task_id
from schemas.protocol.keys import Field, record_key
from schemas.protocol.steps.working import Delivery
from tests.support.requests import CANARY, a_request, as_body
from tests.worker.customer.intake import BrokenBetweenInsertAndFinish, Intake, damage
from worker.dependencies.errors import GiveBackError


def test_a_delivery_after_the_outcome_does_nothing(intake: Intake) -> None:
    task_id = intake.accept(as_body(a_request()))
    assert intake.run_one(task_id) == "created"
    before = (intake.outcome(task_id), intake.scripts.record(task_id), intake.customers.all())
    assert intake.run_one(task_id) == "finished"
    assert (intake.outcome(task_id), intake.scripts.record(task_id), intake.customers.all()) == before


def test_a_delivery_of_an_unknown_task_does_nothing(intake: Intake) -> None:
    assert intake.run_one(new_task_id()) == "unknown"
    assert intake.client.dbsize() == 0


def test_a_delivery_after_a_death_between_insert_and_finish_has_the_stored_customer_as_its_outcome(
    intake: Intake,
) -> None:
    task_id = intake.accept(as_body(a_request()))
    intake.customers.dies_after_insert = True
    with pytest.raises(BrokenBetweenInsertAndFinish):
        intake.run_one(task_id)
    (stored,) = intake.customers.all()
    assert intake.run_one(task_id) == "created"
    assert intake.outcome(task_id)["customer"]["id"] == stored["id"]
    assert intake.customers.all() == [stored]


def test_the_insert_of_a_task_that_is_out_of_starts_is_still_its_outcome(intake: Intake) -> None:
    task_id = intake.accept(as_body(a_request()))
    intake.customers.dies_after_insert = True
    with pytest.raises(BrokenBetweenInsertAndFinish):
        intake.run_one(task_id)
    for _ in range(9):
        intake.scripts.start(task_id, alone=True)
    assert intake.run_one(task_id) == "created"
    assert intake.outcome(task_id)["ok"] is True


def test_a_task_that_was_started_five_times_without_an_outcome_is_a_dead_letter_at_its_sixth_start(
    intake: Intake,
) -> None:
    fifth, sixth = intake.accept(as_body(a_request())), intake.accept(as_body(a_request(email="b@example.com")))
    for task_id, starts in ((fifth, 4), (sixth, 5)):
        for _ in range(starts):
            intake.scripts.start(task_id, alone=True)
    assert intake.run_one(fifth) == "created"
    assert intake.run_one(sixth) == "too_many_starts"
    assert intake.scripts.record(sixth)["reason"] == "too_many_starts"
    assert intake.scripts.dead_ids() == {sixth}
    assert intake.run_one(sixth) == "parked"


def test_a_requeued_dead_letter_is_worked(intake: Intake) -> None:
    task_id = intake.accept(as_body(a_request()))
    for _ in range(5):
        intake.scripts.start(task_id, alone=True)
    assert intake.run_one(task_id) == "too_many_starts"
    intake.scripts.requeue(task_id)
    assert intake.run_one(task_id) == "created"
    assert intake.outcome(task_id)["ok"] is True


# A document of the task's own goes before every refusal


def stored_and_not_told(intake: Intake, **changes: Any) -> str:
    """A task whose worker died between insert and FINISH. Its starts are then set back, as RELEASE does."""
    task_id = intake.accept(as_body(a_request(**changes)))
    intake.customers.dies_after_insert = True
    with pytest.raises(BrokenBetweenInsertAndFinish):
        intake.run_one(task_id)
    intake.client.hset(record_key(task_id), Field.STARTS, 0)
    return task_id


def test_a_customer_that_exists_is_the_outcome_also_under_rules_that_would_refuse_it_now(intake: Intake) -> None:
    task_id = stored_and_not_told(intake)
    intake.minimum_password_characters = len(CANARY) + 1
    assert intake.run_one(task_id) == "created"
    assert intake.outcome(task_id)["ok"] is True
    assert len(intake.customers.all()) == 1


@pytest.mark.parametrize("key", ["version", "key", "content"])
def test_a_customer_that_exists_is_the_outcome_also_where_its_request_can_no_longer_be_read(
    intake: Intake, key: str
) -> None:
    task_id = stored_and_not_told(intake)
    damage(intake, task_id, {"version": 0, "key": 1, "content": -1}[key])
    assert intake.run_one(task_id) == "created"
    assert intake.scripts.dead_ids() == set()


def test_a_customer_that_exists_is_the_outcome_also_where_its_email_is_looked_up_first(intake: Intake) -> None:
    task_id = stored_and_not_told(intake)
    repeat = intake.accept(as_body(a_request(firstName="Jane")))
    use_case = intake.use_case()
    assert use_case.run([Delivery(repeat, "a")]) == ["duplicate_key"]
    assert use_case.run([Delivery(task_id, "b")]) == ["created"]


def test_all_refusals_of_a_group_cost_one_look_up_and_a_group_without_refusals_costs_none(intake: Intake) -> None:
    good = [intake.accept(as_body(a_request(email=f"{number}@example.com"))) for number in range(4)]
    assert intake.run(*good) == ["created"] * 4
    assert intake.customers.looks == 0
    bad = [intake.accept(as_body(a_request(tags=1))) for _ in range(4)]
    assert intake.run(*bad) == ["validation_error"] * 4
    assert intake.customers.looks == 1


# Dependencies that are away


def test_a_task_waits_for_a_database_that_is_away_and_then_has_its_outcome(intake: Intake) -> None:
    intake.customers.away_for = 3
    assert intake.answer(a_request())["ok"] is True


def test_a_worker_that_stops_while_the_database_is_away_leaves_the_task_without_an_outcome(intake: Intake) -> None:
    task_id = intake.accept(as_body(a_request()))
    intake.customers.away_for = 10**6
    intake.stopping.set()
    with pytest.raises(GiveBackError):
        intake.run_one(task_id)
    assert intake.scripts.record(task_id)["state"] == "STARTED"
    assert intake.scripts.open_ids() == {task_id}
    intake.customers.away_for = 0
    intake.stopping.clear()
    assert intake.run_one(task_id) == "created"
