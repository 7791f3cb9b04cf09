"""Outcomes as the contract documents them, and as Celery's clients read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from schemas import outcome as outcomes
from schemas.customer import Fault, StoredCustomer
from schemas.example import example_address, example_request

if TYPE_CHECKING:
    from schemas.customer import StoredAddress

EXAMPLE: Final = example_request()
CUSTOMER: Final = StoredCustomer(
    id="HkhhuXESl",
    email=EXAMPLE["email"],
    email_key="the-key@gmail.com",
    password_hash="$argon2id$the-hash",
    firstName=EXAMPLE["firstName"],
    lastName=EXAMPLE["lastName"],
    status=EXAMPLE["status"],
    tags=EXAMPLE["tags"],
    addresses=[cast("StoredAddress", example_address(id="r1h2uQ4rx"))],
    created_at=datetime(2024, 1, 2, tzinfo=UTC),
)


def test_a_created_customer_is_answered_without_the_fields_that_only_the_service_needs() -> None:
    answer = outcomes.created(CUSTOMER)
    assert answer == {
        "ok": True,
        "customer": {
            "email": EXAMPLE["email"],
            "firstName": EXAMPLE["firstName"],
            "lastName": EXAMPLE["lastName"],
            "status": EXAMPLE["status"],
            "tags": EXAMPLE["tags"],
            "addresses": CUSTOMER["addresses"],
            "id": "HkhhuXESl",
        },
    }
    shown = json.dumps(answer)
    assert "argon2" not in shown
    assert "the-key" not in shown
    assert "created_at" not in shown


def test_fields_stand_in_the_documented_order() -> None:
    customer: dict[str, Any] = outcomes.created(CUSTOMER)["customer"]
    assert list(customer) == ["email", "firstName", "lastName", "status", "tags", "addresses", "id"]


def test_a_repeated_row_has_the_customer_that_it_made() -> None:
    answer = outcomes.repeated(CUSTOMER)
    assert answer == {"ok": True, "repeated": True, "customer": outcomes.created(CUSTOMER)["customer"]}
    assert list(answer) == ["ok", "repeated", "customer"]


def test_the_four_errors_are_as_documented() -> None:
    assert outcomes.duplicate_key("a@b.example") == {
        "ok": False,
        "error": "duplicate_key",
        "data": {"index": "email", "key": {"email": "a@b.example"}},
    }
    assert outcomes.validation_error([Fault(field="addresses.0.city", message="Field required")]) == {
        "ok": False,
        "error": "validation_error",
        "data": {"errors": [{"field": "addresses.0.city", "message": "Field required"}]},
    }
    assert outcomes.invalid_email("nobody") == {
        "ok": False,
        "error": "customer_invalid_email",
        "data": {"email": "nobody"},
    }
    assert outcomes.invalid_country("UK", address=1) == {
        "ok": False,
        "error": "address_contry_invalid",
        "data": {"address": "UK", "field": "addresses.1.country"},
    }


def test_logs_and_metrics_use_the_same_word_for_an_outcome() -> None:
    assert outcomes.name_of(outcomes.created(CUSTOMER)) == "created"
    assert outcomes.name_of(outcomes.invalid_email("nobody")) == "customer_invalid_email"
    assert outcomes.name_of(outcomes.repeated(CUSTOMER)) == "repeated"
    assert outcomes.name_of(outcomes.valid()) == "valid"
    assert outcomes.name_of(outcomes.canceled()) == "canceled"
    assert outcomes.name_of(outcomes.internal_error()) == "internal_error"


def test_an_outcome_and_a_dead_letter_are_what_celery_stores_for_a_task() -> None:
    at = datetime(2024, 1, 2, tzinfo=UTC)
    outcome = outcomes.invalid_email("nobody")
    common: dict[str, Any] = {
        "traceback": None,
        "children": [],
        "date_done": "2024-01-02T00:00:00+00:00",
        "task_id": "t",
    }
    assert outcomes.celery_result("t", outcome, finished_at=at) == common | {"status": "SUCCESS", "result": outcome}
    assert outcomes.celery_failure("t", "a_reason", finished_at=at) == common | {
        "status": "FAILURE",
        "result": {"exc_type": "RuntimeError", "exc_message": ["a_reason"], "exc_module": "builtins"},
    }
