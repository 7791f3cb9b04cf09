"""A sealed request, opened and checked: a signup that can be stored, an outcome, or what keeps it from being read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from schemas import outcome as outcomes
from schemas.customer import (
    Fault,
    InvalidRequestError,
    StoredAddress,
    StoredCustomer,
    parse_customer_request,
)
from schemas.sealing import UnknownEnvelopeVersionError, UnknownSealingKeyError, UnsealError
from schemas.strict_json import parse_object

if TYPE_CHECKING:
    from pydantic import SecretStr

    from schemas.customer import CustomerRequest
    from schemas.ids import IdDeriver
    from schemas.outcome import Outcome
    from schemas.sealing import Unsealer
    from worker.customer.rules import Email, Rules

PARKED_UNKNOWN_KEY: Final = "unknown_sealing_key"
PARKED_UNKNOWN_VERSION: Final = "unknown_envelope_version"
PARKED_UNREADABLE: Final = "sealed_request_unreadable"
"""Reasons of dead letters."""


@dataclass(frozen=True, slots=True)
class Signup:
    """A request that nothing in itself stands against."""

    customer: StoredCustomer
    """As it is to be stored, without its hash."""
    password: SecretStr


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The request cannot be read here."""

    reason: str
    elsewhere: bool
    """Whether another worker, of a newer release or with another key, may be able to."""


class SignupReader:
    """Opens and checks requests. Thread-safe; asks nobody."""

    def __init__(self, unsealer: Unsealer, ids: IdDeriver, *, rules: Rules, minimum_password_characters: int) -> None:
        self._unsealer = unsealer
        self._ids = ids
        self._rules = rules
        self._minimum_password_characters = minimum_password_characters
        self._short_password = Fault(
            field="password", message=f"String should have at least {minimum_password_characters} characters"
        )

    def customer_id(self, *, task_id: str, fingerprint: str) -> str:
        """The id that the customer of this task has, whoever stores it and however often."""
        return self._ids.customer_id(task_id=task_id, fingerprint=fingerprint)

    def read(self, *, task_id: str, customer_id: str, sealed: bytes) -> Signup | Outcome | Unreadable:
        """What there is to do for this task."""
        try:
            body = self._unsealer.unseal(task_id=task_id, envelope=sealed)
        except UnknownSealingKeyError:
            return Unreadable(PARKED_UNKNOWN_KEY, elsewhere=True)
        except UnknownEnvelopeVersionError:
            return Unreadable(PARKED_UNKNOWN_VERSION, elsewhere=True)
        except UnsealError:
            return Unreadable(PARKED_UNREADABLE, elsewhere=False)
        return self._check(body, customer_id)

    def _check(self, body: bytes, customer_id: str) -> Signup | Outcome:
        # In the order in which the contract ranks the errors.
        try:
            request = parse_customer_request(parse_object(body))
        except InvalidRequestError as error:
            return outcomes.validation_error(error.faults)
        if len(request["password"]) < self._minimum_password_characters:
            return outcomes.validation_error([self._short_password])
        email = self._rules.parse_email(request["email"])
        if email is None:
            return outcomes.invalid_email(request["email"])
        invalid = self._rules.first_invalid_country(request.get("addresses", []))
        if invalid is not None:
            position, country = invalid
            return outcomes.invalid_country(country, address=position)
        return Signup(self._customer(request, email, customer_id=customer_id), request["password"])

    def _customer(self, request: CustomerRequest, email: Email, *, customer_id: str) -> StoredCustomer:
        return StoredCustomer(
            id=customer_id,
            email=email.address,
            email_key=email.key,
            password_hash="",  # nothing is stored without
            firstName=request["firstName"],
            lastName=request["lastName"],
            status=request.get("status", "ACTIVE"),
            tags=request.get("tags", []),
            addresses=[
                StoredAddress(**address, id=self._ids.address_id(customer_id=customer_id, position=position))
                for position, address in enumerate(request.get("addresses", []))
            ],
            created_at=datetime.now(UTC),
        )
