"""The stages of one row on its way to a customer: a `Row` is checked, then hashed, then it has its result.

A row is one request for a customer. These values know nothing of tasks, deliveries and Redis, so that a row may come
from a task of its own or from anywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from schemas.customer import StoredCustomer
from worker.dependencies.errors import GiveBackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pydantic import SecretStr

    from schemas.customer import CustomerRequest, StoredAddress
    from schemas.outcome import Outcome
    from worker.customer.rules import Email

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Row:
    """A request that nobody has looked at yet."""

    customer_id: str
    """The id that the customer will have, however often the row is worked on."""
    body: bytes = field(repr=False)
    """The request as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A request that passed every check. Only the password's hash is missing."""

    customer_id: str
    email: Email = field(repr=False)
    request: CustomerRequest = field(repr=False)
    addresses: list[StoredAddress] = field(repr=False)
    checked_at: datetime

    @property
    def password(self) -> SecretStr:
        """The password to be hashed."""
        return self.request["password"]

    def complete(self, password_hash: str) -> StoredCustomer:
        """The customer as it is to be stored."""
        request = self.request
        return StoredCustomer(
            id=self.customer_id,
            email=self.email.address,
            email_key=self.email.key,
            password_hash=password_hash,
            firstName=request["firstName"],
            lastName=request["lastName"],
            status=request.get("status", "ACTIVE"),
            tags=request.get("tags", []),
            addresses=self.addresses,
            created_at=self.checked_at,
        )


@dataclass(frozen=True, slots=True)
class Hashed:
    """A complete customer that is not stored yet."""

    customer: StoredCustomer = field(repr=False)


@dataclass(frozen=True, slots=True)
class Decided:
    """A result: the documented outcome of the row."""

    outcome: Outcome = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """A result: the row can have no outcome before a person has mended something. Its task becomes a dead letter."""

    reason: str
    """A code."""
    detail: str = ""
    """What else an operator may know: an error by name, an index. Nothing of the request."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A result: an error of this service's own. The row may be worked on again."""

    error: Exception


def guarded(
    step: Callable[Parameters, Result], *arguments: Parameters.args, **options: Parameters.kwargs
) -> Result | Failed:
    """Call the step for one row. What the step raises becomes `Failed`, so that the other rows go on.

    Raises:
        GiveBackError: raised by the step. It is about every row alike.
    """
    try:
        return step(*arguments, **options)
    except GiveBackError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, whoever gets `Failed` logs it
        return Failed(error)
