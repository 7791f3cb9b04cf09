"""The documented outcomes of `customer.create`: the customer, or one of four errors. Knows nothing of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, get_args

from typing_extensions import TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from schemas.customer import Fault, StoredCustomer

ErrorCode = Literal[
    "duplicate_key",
    "validation_error",
    "customer_invalid_email",
    "address_contry_invalid",
    # Of rows of a batch alone.
    "canceled",
    "internal_error",
]

CREATED: Final = "created"
"""The name of a new customer in logs, metrics and counts. An outcome that is an error has its code as its name."""

REPEATED: Final = "repeated"
"""The name of a row that was in before."""

VALID: Final = "valid"
"""The name of a row that could become a customer."""

OUTCOME_NAMES: Final = frozenset({CREATED, REPEATED, VALID, *get_args(ErrorCode)})
"""The names of all outcomes."""


class Outcome(TypedDict):
    """A documented response: `ok` and the customer, or an error and its data."""

    ok: bool
    repeated: NotRequired[Literal[True]]
    valid: NotRequired[Literal[True]]
    customer: NotRequired[dict[str, Any]]
    error: NotRequired[ErrorCode]
    data: NotRequired[dict[str, Any]]


def created(customer: StoredCustomer) -> Outcome:
    """The customer exists now. Fields that only the service uses are left out."""
    return Outcome(
        ok=True,
        customer={
            "email": customer["email"],
            "firstName": customer["firstName"],
            "lastName": customer["lastName"],
            "status": customer["status"],
            "tags": customer["tags"],
            "addresses": customer["addresses"],
            "id": customer["id"],
        },
    )


def repeated(customer: StoredCustomer) -> Outcome:
    """A row of a batch was in before, and made this customer."""
    return Outcome(ok=True, repeated=True, customer=created(customer)["customer"])


def valid() -> Outcome:
    """A row of a batch could become a customer."""
    return Outcome(ok=True, valid=True)


def canceled() -> Outcome:
    """The batch was canceled before anybody started on the row."""
    return Outcome(ok=False, error="canceled")


def internal_error() -> Outcome:
    """The work on a row failed for a reason of the service's own. The row waits for an operator as a dead letter."""
    return Outcome(ok=False, error="internal_error")


def duplicate_key(email: str) -> Outcome:
    """Another customer has this email."""
    return Outcome(ok=False, error="duplicate_key", data={"index": "email", "key": {"email": email}})


def validation_error(faults: Sequence[Fault]) -> Outcome:
    """The request does not have the documented form."""
    return Outcome(ok=False, error="validation_error", data={"errors": list(faults)})


def invalid_email(email: str) -> Outcome:
    """The email's format is invalid."""
    return Outcome(ok=False, error="customer_invalid_email", data={"email": email})


def invalid_country(country: str, *, address: int) -> Outcome:
    """The country of the address at this position is no ISO 3166-1 alpha-2 code. MicroBase spells the error so."""
    return Outcome(
        ok=False,
        error="address_contry_invalid",
        data={"address": country, "field": f"addresses.{address}.country"},
    )


def name_of(outcome: Outcome) -> str:
    """The outcome's name in logs and metrics."""
    if not outcome["ok"]:
        return outcome["error"]
    return VALID if "valid" in outcome else REPEATED if "repeated" in outcome else CREATED


class CeleryResult(TypedDict):
    """What Celery's key-value result backends store for a task (celery.backends.base.Backend._get_result_meta)."""

    status: Literal["SUCCESS", "FAILURE"]
    result: Any
    traceback: None
    children: list[Any]
    date_done: str
    task_id: str


def celery_result(task_id: str, outcome: Outcome, *, finished_at: datetime) -> CeleryResult:
    """The outcome in the form that `AsyncResult(task_id).get()` of any Celery client reads."""
    return CeleryResult(
        status="SUCCESS",
        result=outcome,
        traceback=None,
        children=[],
        date_done=finished_at.isoformat(),
        task_id=task_id,
    )


def celery_failure(task_id: str, reason: str, *, finished_at: datetime) -> CeleryResult:
    """A dead letter in the form that a Celery client reads. `reason` is a code, and tells nothing of the request."""
    return CeleryResult(
        status="FAILURE",
        result={"exc_type": "RuntimeError", "exc_message": [reason], "exc_module": "builtins"},
        traceback=None,
        children=[],
        date_done=finished_at.isoformat(),
        task_id=task_id,
    )
