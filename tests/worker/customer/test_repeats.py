"""While many signups come whose emails are taken, they cost no hashes."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from schemas.customer import StoredCustomer
from schemas.protocol.steps.working import Delivery
from tests.support.requests import a_request, as_body
from worker.customer.repeats import LOOK_AHEAD

if TYPE_CHECKING:
    import pytest

    from tests.worker.customer.intake import Intake
    from worker.customer.customers import Known


def hashes(intake: Intake) -> float:
    return intake.metrics.registry.get_sample_value("intake_password_hash_seconds_count") or 0.0


def a_stored_customer(*, email_key: str) -> StoredCustomer:
    return StoredCustomer(
        id="another",
        email=email_key,
        email_key=email_key,
        password_hash="$argon2id$",
        firstName="A",
        lastName="B",
        status="ACTIVE",
        tags=[],
        addresses=[],
        created_at=datetime.now(UTC),
    )


def test_a_flood_of_repeats_costs_no_hashes_and_one_look_up_for_each_group(intake: Intake) -> None:
    emails = [f"{number}@example.com" for number in range(8)]
    use_case = intake.use_case()

    def work() -> list[str]:
        tasks = [intake.accept(as_body(a_request(email=email))) for email in emails]
        return use_case.run([Delivery(task_id, secrets.token_hex(4)) for task_id in tasks])

    assert work() == ["created"] * 8
    assert work() == ["duplicate_key"] * 8
    before, looks = hashes(intake), intake.customers.looks
    for _ in range(5):
        assert work() == ["duplicate_key"] * 8
    assert hashes(intake) == before
    assert intake.customers.looks == looks + 5


def test_once_repeats_have_ceased_a_new_customer_costs_no_look_up(intake: Intake) -> None:
    use_case = intake.use_case()

    def work(email: str) -> str:
        task_id = intake.accept(as_body(a_request(email=email)))
        (ending,) = use_case.run([Delivery(task_id, secrets.token_hex(4))])
        return ending

    assert [work("john@example.com") for _ in range(2)] == ["created", "duplicate_key"]
    for number in range(LOOK_AHEAD):
        work(f"{number}@example.com")
    looks = intake.customers.looks
    assert [work(f"late-{number}@example.com") for number in range(3)] == ["created"] * 3
    assert intake.customers.looks == looks


def test_an_email_that_is_taken_after_it_was_looked_up_is_still_refused(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_case = intake.use_case()
    for name in ("first", "second"):
        repeat = intake.accept(as_body(a_request()))
        use_case.run([Delivery(repeat, name)])
    find_all = intake.customers.find_all

    def find_and_be_overtaken(**asked: Any) -> Known:
        known = find_all(**asked)
        intake.customers.add_all([a_stored_customer(email_key="late@example.com")])
        return known

    monkeypatch.setattr(intake.customers, "find_all", find_and_be_overtaken)
    late = intake.accept(as_body(a_request(email="late@example.com")))
    assert use_case.run([Delivery(late, "third")]) == ["duplicate_key"]
    assert len(intake.customers.all()) == 2
