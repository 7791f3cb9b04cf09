"""The stages take rows as well as tasks: a row needs an id and a body, and no record, delivery or message."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher

from tests.support.in_memory_customers import InMemoryCustomers
from tests.support.requests import CANARY, a_request, as_body
from tests.worker.customer.intake import IDS
from worker.customer.checks import Checks
from worker.customer.passwords import TEST_PROFILE, Argon2Passwords
from worker.customer.rows import Checked, Decided, Failed, Hashed, Identity, Row
from worker.customer.rules import Rules
from worker.customer.stages import Stages
from worker.dependencies.patience import Patience

if TYPE_CHECKING:
    from pydantic import SecretStr

    from worker.metrics import WorkerMetrics


@pytest.fixture
def customers() -> InMemoryCustomers:
    return InMemoryCustomers()


@pytest.fixture
def stages(customers: InMemoryCustomers, metrics: WorkerMetrics) -> Stages:
    return Stages(
        checks=Checks(IDS, rules=Rules(), minimum_password_characters=0),
        customers=customers,
        passwords=Argon2Passwords(TEST_PROFILE),
        patience=Patience(threading.Event(), metrics),
        metrics=metrics,
        hash_concurrency=2,
    )


def rows(count: int, **changes: Any) -> list[Row]:
    return [Row(f"c{number}", as_body(a_request(email=f"{number}@example.com", **changes))) for number in range(count)]


def checked(stages: Stages, these: list[Row]) -> list[Checked]:
    return [each for each in stages.check(these) if isinstance(each, Checked)]


def hashed(stages: Stages, these: list[Row]) -> list[Hashed]:
    return [each for each in stages.hash(checked(stages, these)) if isinstance(each, Hashed)]


def error_of(result: object) -> Any:
    assert isinstance(result, Decided)
    return result.outcome.get("error")


def test_a_good_row_is_checked_and_a_bad_one_has_its_outcome(stages: Stages) -> None:
    good, bad = stages.check([*rows(1), Row("c1", as_body(a_request(email="nobody@")))])
    assert isinstance(good, Checked)
    assert error_of(bad) == "customer_invalid_email"


def test_the_look_up_tells_stored_customers_and_taken_emails_apart_from_new_rows(stages: Stages) -> None:
    stages.insert(hashed(stages, rows(1)))
    asked = checked(stages, [*rows(2), Row("another", as_body(a_request(email="0@example.com")))])
    found, new, taken = stages.look_up(
        asked, identities=[Identity("c0"), Identity("c1"), Identity("another")], emails=True
    )
    assert (error_of(found), new, error_of(taken)) == (None, asked[1], "duplicate_key")


def test_a_checked_row_becomes_a_whole_customer_with_the_hash_of_its_password(stages: Stages) -> None:
    (row,) = hashed(stages, rows(1))
    assert PasswordHasher().verify(row.customer["password_hash"], CANARY)
    assert CANARY not in repr([row, *rows(1), *stages.check(rows(1))])


def test_rows_are_inserted_together_and_each_has_its_own_outcome(stages: Stages, customers: InMemoryCustomers) -> None:
    same_email = Row("c9", as_body(a_request(email="0@example.com")))
    assert [error_of(each) for each in stages.insert(hashed(stages, [*rows(2), same_email]))] == [
        None,
        None,
        "duplicate_key",
    ]
    assert {each["id"] for each in customers.all()} == {"c0", "c1"}


def test_an_error_of_ours_in_one_row_leaves_the_others_alone(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    make_hash = Argon2Passwords.hash

    def fail_for_one(self: Argon2Passwords, password: SecretStr) -> str:
        if password.get_secret_value() == "unlucky":
            raise MemoryError
        return make_hash(self, password)

    monkeypatch.setattr(Argon2Passwords, "hash", fail_for_one)
    failed, whole = stages.hash(checked(stages, [*rows(1, password="unlucky"), *rows(1)]))
    assert isinstance(failed, Failed)
    assert isinstance(whole, Hashed)


def test_no_value_of_a_row_shows_anything_of_its_request(stages: Stages) -> None:
    row, *_ = these = rows(1, firstName=CANARY, lastName=CANARY, tags=[CANARY])
    (ready,) = checked(stages, these)
    (complete,) = hashed(stages, these)
    decided = stages.insert([complete])
    assert isinstance(decided[0], Decided)
    shown = repr([row, ready, complete, decided])
    assert CANARY not in shown
    assert "0@example.com" not in shown
    assert "$argon2id$" not in shown
