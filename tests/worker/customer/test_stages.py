"""The stages take rows as well as tasks. A row has an id and a body, but no record, delivery or message."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from argon2 import PasswordHasher

from passwords.cost import TEST_PROFILE
from passwords.hashing import Argon2Passwords
from schemas.password_hashes.parsing import PLAIN_RULES, HashRules
from tests.support.in_memory_customers import InMemoryCustomers
from tests.support.requests import CANARY, a_password_hash, a_request, an_import, as_body
from tests.worker.customer.intake import IDS
from worker.customer.checks import Checks
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
    return stages_with(customers, metrics)


@pytest.fixture
def wrapping(customers: InMemoryCustomers, metrics: WorkerMetrics) -> Stages:
    return stages_with(customers, metrics, HashRules(wraps_fast_hashes=True))


def stages_with(customers: InMemoryCustomers, metrics: WorkerMetrics, hash_rules: HashRules = PLAIN_RULES) -> Stages:
    return Stages(
        checks=Checks(IDS, rules=Rules(), minimum_password_characters=0, hash_rules=hash_rules),
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


def test_an_error_of_ours_in_one_row_does_no_harm_to_the_others(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_hash = Argon2Passwords.hash

    def fail_for_one(self: Argon2Passwords, password: SecretStr) -> str:
        if password.get_secret_value() == "unlucky":
            raise MemoryError
        return make_hash(self, password)

    monkeypatch.setattr(Argon2Passwords, "hash", fail_for_one)
    failed, whole = stages.hash(checked(stages, [*rows(1, password="unlucky"), *rows(1)]))
    assert isinstance(failed, Failed)
    assert isinstance(whole, Hashed)


def imports(count: int, **changes: Any) -> list[Row]:
    return [
        Row(f"i{number}", as_body(an_import(a_password_hash(), email=f"i{number}@example.com", **changes)))
        for number in range(count)
    ]


def test_a_hash_that_a_row_brought_is_stored_with_its_scheme_and_nothing_is_hashed(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Argon2Passwords, "hash", None)
    rows_with_hashes = imports(2)
    made = hashed(stages, rows_with_hashes)
    assert [each.customer["password_hash"] for each in made] == [
        json.loads(row.body)["passwordHash"] for row in rows_with_hashes
    ]
    assert [each.customer["password_scheme"] for each in made] == ["pbkdf2-sha256"] * 2
    assert all("pbkdf2" not in repr(each) for each in (*rows_with_hashes, *stages.check(rows_with_hashes), *made))


def test_a_hash_that_this_service_makes_is_stored_with_its_scheme_beside_imported_ones(stages: Stages) -> None:
    made = hashed(stages, [*imports(1), *rows(1), *imports(1)])
    assert [each.customer["password_scheme"] for each in made] == ["pbkdf2-sha256", "argon2id", "pbkdf2-sha256"]


def test_a_worker_that_stops_stores_the_rows_that_brought_a_hash(stages: Stages) -> None:
    stopping = threading.Event()
    stopping.set()
    made = stages.hash(checked(stages, [*imports(1), *rows(1)]), stopping=stopping)
    assert [type(each) for each in made] == [Hashed, Checked]


MD5: Final = "5f4dcc3b5aa765d61d8327deb882cf99"
"""Of "password"."""


def test_a_fast_hash_is_wrapped_by_the_threads_that_hash_passwords_and_shown_nowhere(
    wrapping: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    make_hash = Argon2Passwords.hash

    def noting(self: Argon2Passwords, password: SecretStr) -> str:
        names.append(threading.current_thread().name)
        return make_hash(self, password)

    monkeypatch.setattr(Argon2Passwords, "hash", noting)
    these = [Row("w0", as_body(an_import(MD5, email="w0@example.com")))]
    ready = checked(wrapping, these)
    (row,) = made = [each for each in wrapping.hash(ready, urgent=False) if isinstance(each, Hashed)]
    assert row.customer["password_hash"].startswith("$wrapped$md5$argon2id$v=19$m=64,t=1,p=1$")
    assert row.customer["password_scheme"] == "argon2id+md5"
    assert names
    assert all(name.startswith("row_hash") for name in names)
    assert MD5 not in repr([ready, made, row.customer])


def test_a_worker_that_stops_does_not_begin_to_wrap(wrapping: Stages) -> None:
    stopping = threading.Event()
    stopping.set()
    ready = checked(wrapping, [Row("w0", as_body(an_import(MD5, email="w0@example.com")))])
    assert wrapping.hash(ready, stopping=stopping) == ready


def test_a_fast_hash_is_a_fault_where_the_service_does_not_wrap(stages: Stages) -> None:
    (decided,) = stages.check([Row("w0", as_body(an_import(MD5)))])
    assert isinstance(decided, Decided)
    (fault,) = decided.outcome["data"]["errors"]
    assert "refused, unless the service is set to wrap it (INTAKE_WRAP_FAST_HASHES)" in fault["message"]


def test_a_hash_of_a_caller_that_may_not_import_is_a_fault_of_its_row(stages: Stages) -> None:
    (row,) = imports(1, lastName="")
    (decided,) = stages.check([replace(row, may_import=False)])
    assert isinstance(decided, Decided)
    assert decided.outcome["data"]["errors"] == [
        {"field": "passwordHash", "message": "needs a token with the scope customer:import"},
        {"field": "lastName", "message": "String should have at least 1 character"},
    ]


def test_the_repr_of_a_row_shows_nothing_of_its_request(stages: Stages) -> None:
    row, *_ = these = rows(1, firstName=CANARY, lastName=CANARY, tags=[CANARY])
    (ready,) = checked(stages, these)
    (complete,) = hashed(stages, these)
    decided = stages.insert([complete])
    assert isinstance(decided[0], Decided)
    shown = repr([row, ready, complete, decided])
    assert CANARY not in shown
    assert "0@example.com" not in shown
    assert "$argon2id$" not in shown
