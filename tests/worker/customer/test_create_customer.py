"""Groups of tasks: each task has its own outcome, whatever happens to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passwords.hashing import Argon2Passwords
from schemas.ids import new_task_id
from schemas.protocol.keys import record_key
from schemas.protocol.steps.working import Delivery, NotStarted
from tests.support.requests import a_request, as_body

if TYPE_CHECKING:
    import pytest
    from pydantic import SecretStr

    from schemas.customer import StoredCustomer
    from tests.worker.customer.intake import Intake
    from worker.customer.customers import Added, EmailTaken, NotStored


def test_each_task_of_a_group_has_its_own_outcome(intake: Intake) -> None:
    bodies = [a_request(), a_request(email="b@example.com"), a_request(email="nobody@"), a_request(tags=1)]
    tasks = [intake.accept(as_body(body)) for body in bodies]
    assert intake.run(*tasks) == ["created", "created", "customer_invalid_email", "validation_error"]
    assert [intake.outcome(task_id)["ok"] for task_id in tasks] == [True, True, False, False]
    assert {customer["email"] for customer in intake.customers.all()} == {"john.doe@example.com", "b@example.com"}


def test_of_a_group_with_one_email_exactly_one_is_created(intake: Intake) -> None:
    tasks = [intake.accept(as_body(a_request(firstName=f"John {number}"))) for number in range(8)]
    assert sorted(intake.run(*tasks)) == ["created"] + ["duplicate_key"] * 7
    assert len(intake.customers.all()) == 1


def test_an_error_of_ours_in_one_task_does_no_harm_to_the_others_of_its_group(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_hash = Argon2Passwords.hash

    def fail_for_one(self: Argon2Passwords, password: SecretStr) -> str:
        if password.get_secret_value() == "unlucky":
            raise MemoryError
        return make_hash(self, password)

    monkeypatch.setattr(Argon2Passwords, "hash", fail_for_one)
    unlucky = intake.accept(as_body(a_request(password="unlucky")))
    others = [intake.accept(as_body(a_request(email=f"{number}@example.com"))) for number in range(3)]
    assert intake.run(others[0], unlucky, *others[1:]) == ["created", "failed", "created", "created"]
    assert intake.scripts.open_ids() == {unlucky}
    assert len(intake.customers.all()) == 3
    monkeypatch.undo()
    assert intake.run(unlucky) == ["created"]


def test_a_group_that_cannot_be_stored_together_is_stored_one_by_one(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_all = intake.customers.add_all

    def refuse_several(customers: list[StoredCustomer]) -> list[Added | EmailTaken | NotStored]:
        if len(customers) > 1:
            raise ValueError
        return add_all(customers)

    monkeypatch.setattr(intake.customers, "add_all", refuse_several)
    tasks = [intake.accept(as_body(a_request(email=f"{number}@example.com"))) for number in range(3)]
    assert intake.run(*tasks) == ["created"] * 3


def test_a_record_that_cannot_be_read_does_no_harm_to_the_others_of_its_group(intake: Intake) -> None:
    good, bad = intake.accept(as_body(a_request())), new_task_id()
    intake.client.set(record_key(bad), "no record")
    assert intake.run(bad, good) == ["failed", "created"]


def test_a_task_that_was_started_twice_without_an_outcome_runs_alone(intake: Intake) -> None:
    poison, good = intake.accept(as_body(a_request())), intake.accept(as_body(a_request(email="b@example.com")))
    for _ in range(2):
        intake.scripts.start(poison)
    endings = intake.use_case().run([Delivery(poison, "first"), Delivery(good, "second")])
    assert endings == [NotStarted.ALONE, "created"]
    assert intake.scripts.record(poison)["starts"] == "2"
    assert intake.use_case().run_alone(Delivery(poison, "first")) == "created"


def test_scripts_that_redis_has_forgotten_are_loaded_again(intake: Intake) -> None:
    tasks = [intake.accept(as_body(a_request(email=f"{number}@example.com"))) for number in range(2)]
    intake.run(tasks[0])
    intake.client.script_flush()
    assert intake.run(tasks[1]) == ["created"]
