"""The examples in the OpenAPI document. Their outcomes come from the same code as real outcomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from schemas import outcome
from schemas.customer import Fault, StoredCustomer
from schemas.example import example_address, example_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.customer import StoredAddress

TASK_ID: Final = "4kJQcMvN0sTq2WbXyZ8dR1"
"""The id of the task in every example."""

_EXAMPLE: Final = example_request()
"""The example request that the whole project shares."""

REQUESTS: Final[dict[str, Any]] = {
    "everything": {
        "summary": "Every documented field",
        "value": _EXAMPLE,
    },
    "required": {
        "summary": "Only what is required",
        "value": {
            "email": "jane.doe@gmail.com",
            "password": "a passphrase that only Jane knows",
            "firstName": "Jane",
            "lastName": "Doe",
        },
    },
    "imported": {
        "summary": "With a password hash of another system",
        "value": {
            "email": "jane.doe@gmail.com",
            "passwordHash": "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            "firstName": "Jane",
            "lastName": "Doe",
        },
    },
}
"""The example requests, by the names that the docs page shows."""

_CUSTOMER: Final = StoredCustomer(
    id="HkhhuXESl",
    email=_EXAMPLE["email"],
    email_key=_EXAMPLE["email"],
    password_hash="",
    firstName=_EXAMPLE["firstName"],
    lastName=_EXAMPLE["lastName"],
    status=_EXAMPLE["status"],
    tags=_EXAMPLE["tags"],
    addresses=[cast("StoredAddress", example_address(id="r1h2uQ4rx"))],
    created_at=datetime(2017, 1, 1, tzinfo=UTC),
)
"""The customer in the example outcomes."""

OUTCOMES: Final[dict[str, Any]] = {
    "created": {"summary": "The customer exists", "value": outcome.created(_CUSTOMER)},
    "duplicate_key": {
        "summary": "Another customer has this email",
        "value": outcome.duplicate_key(_EXAMPLE["email"]),
    },
    "validation_error": {
        "summary": "Fields are missing, empty, unknown or of the wrong type",
        "value": outcome.validation_error(
            [
                Fault(field="lastName", message="Field required"),
                Fault(field="addresses.0.city", message="Input should be a valid string"),
                Fault(field="nickname", message="unknown field"),
            ]
        ),
    },
    "customer_invalid_email": {
        "summary": "The email's format is invalid",
        "value": outcome.invalid_email(_EXAMPLE["email"].removesuffix(".com")),
    },
    "address_contry_invalid": {
        "summary": "The country is not an ISO 3166-1 alpha-2 code",
        "value": outcome.invalid_country("USA", address=0),
    },
}
"""The example outcomes, by the names that the docs page shows."""


def task_examples(*states: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Answers that show a task, one for each of these states; with `more` told of it."""
    return {
        state: {"value": {"ok": True, "task": {"id": TASK_ID, "status": state, **(more or {})}}} for state in states
    }


WAITING: Final = {"acceptedAt": "2026-01-02T03:04:05.678Z", "secondsLeft": 12.5}
"""What is told of a task without outcome, besides its status."""


def failure_example(error: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """The answer of a failure with this code, named after the code."""
    return {error: {"value": {"ok": False, "error": error} | ({"data": data} if data is not None else {})}}
