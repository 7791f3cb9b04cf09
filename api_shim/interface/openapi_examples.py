"""Examples of the OpenAPI document: the contract's own, and outcomes made by the code that makes the real ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from schemas import outcome
from schemas.customer import Address, Fault, StoredAddress, StoredCustomer

TASK_ID: Final = "4kJQcMvN0sTq2WbXyZ8dR1"

_ADDRESS: Final[Address] = {
    "name": "Work",
    "firstName": "John",
    "lastName": "Doe",
    "address_1": "1650 Bolman Court",
    "address_2": "Number 10",
    "postCode": "61701",
    "city": "Bloomington",
    "state": "Illinois",
    "country": "US",
    "company": "My Company",
    "phone": 2173203531,
    "instructions": "Some Instructions",
}

REQUESTS: Final[dict[str, Any]] = {
    "everything": {
        "summary": "Every documented field",
        "value": {
            "email": "john.doe@gmail.com",
            "password": "a passphrase that only John knows",
            "firstName": "John",
            "lastName": "Doe",
            "status": "ACTIVE",
            "tags": ["VIP"],
            "addresses": [_ADDRESS],
        },
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
}

_CUSTOMER: Final = StoredCustomer(
    id="HkhhuXESl",
    email="john.doe@gmail.com",
    email_key="john.doe@gmail.com",
    password_hash="",
    firstName="John",
    lastName="Doe",
    status="ACTIVE",
    tags=["VIP"],
    addresses=[StoredAddress(**_ADDRESS, id="r1h2uQ4rx")],
    created_at=datetime(2017, 1, 1, tzinfo=UTC),
)

OUTCOMES: Final[dict[str, Any]] = {
    "created": {"summary": "The customer exists", "value": outcome.created(_CUSTOMER)},
    "duplicate_key": {
        "summary": "Another customer has this email",
        "value": outcome.duplicate_key("john.doe@gmail.com"),
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
        "value": outcome.invalid_email("john.doe@gmail"),
    },
    "address_contry_invalid": {
        "summary": "The country is no ISO 3166-1 alpha-2 code",
        "value": outcome.invalid_country("USA", address=0),
    },
}


def task_examples(*states: str) -> dict[str, Any]:
    """A task in each of these states."""
    return {state: {"value": {"ok": True, "task": {"id": TASK_ID, "status": state}}} for state in states}


def failure_example(error: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """A failure as it is answered, under its own code."""
    return {error: {"value": {"ok": False, "error": error} | ({"data": data} if data is not None else {})}}
