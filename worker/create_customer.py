"""The use case: one accepted task to its one outcome. Knows neither Celery nor HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from schemas import outcome as outcomes
from schemas.customer import (
    CustomerRequest,
    Fault,
    InvalidRequestError,
    StoredAddress,
    StoredCustomer,
    parse_customer_request,
)
from schemas.sealing import UnknownSealingKeyError, UnsealError
from schemas.strict_json import parse_object
from schemas.task_record import Finished, Started
from worker import rules
from worker.customers import Added

if TYPE_CHECKING:
    from schemas.ids import IdDeriver
    from schemas.outcome import Outcome
    from schemas.sealing import Unsealer
    from worker.customers import CustomerRepository
    from worker.metrics import WorkerMetrics
    from worker.passwords import PasswordHasher
    from worker.patience import Patience
    from worker.records import TaskRecords
    from worker.turnstile import Turnstile

PARKED_TOO_MANY_STARTS: Final = "too_many_starts"
PARKED_UNKNOWN_KEY: Final = "unknown_sealing_key"
PARKED_UNREADABLE: Final = "sealed_request_unreadable"
"""Reasons of dead letters."""

log = structlog.get_logger("worker.task")


class CreateCustomer:
    """Brings a task to its outcome, exactly once however often it is delivered. Thread-safe."""

    def __init__(
        self,
        *,
        records: TaskRecords,
        customers: CustomerRepository,
        passwords: PasswordHasher,
        unsealer: Unsealer,
        ids: IdDeriver,
        patience: Patience,
        turnstile: Turnstile,
        metrics: WorkerMetrics,
        maximum_starts: int,
        minimum_password_characters: int,
    ) -> None:
        self._records = records
        self._customers = customers
        self._passwords = passwords
        self._unsealer = unsealer
        self._ids = ids
        self._patience = patience
        self._turnstile = turnstile
        self._metrics = metrics
        self._maximum_starts = maximum_starts
        self._minimum_password_characters = minimum_password_characters
        self._short_password = Fault(
            field="password", message=f"String should have at least {minimum_password_characters} characters"
        )

    def run(self, task_id: str, *, delivery: str) -> str:
        """Work the task, unless it has an outcome already.

        Args:
            task_id: the task.
            delivery: a name that no other delivery of it has.

        Returns:
            One word for what became of it: `created`, a documented error's code, or why there was nothing to do.

        Raises:
            ShuttingDownError: the worker stops while the broker or the database is away; give the task back.
        """
        with self._turnstile.beside_others():
            word = self._run(task_id, delivery, alone=False)
        if word == Started.ALONE:
            with self._turnstile.alone():
                word = self._run(task_id, delivery, alone=True)
        self._metrics.task_ended(word)
        return word

    def release(self, task_id: str, *, delivery: str) -> None:
        """Give the task back without counting its start.

        Raises:
            TransientError: Redis cannot be told; its lease runs out, and the start stays counted.
        """
        self._records.release(task_id, delivery=delivery)

    def _run(self, task_id: str, delivery: str, *, alone: bool) -> str:
        start = self._patience.until_done(lambda: self._records.start(task_id, delivery=delivery, alone=alone))
        if isinstance(start, Started):
            return str(start)
        self._metrics.task_started(start.waited_seconds)
        with self._metrics.task_in_flight():
            customer_id = self._ids.customer_id(task_id=task_id, fingerprint=start.fingerprint)
            if start.starts > 1:
                # An earlier start may have got as far as the insert; then its customer is the outcome.
                stored = self._patience.until_done(lambda: self._customers.find(customer_id))
                if stored is not None:
                    return self._finish(task_id, outcomes.created(stored))
            if start.starts > self._maximum_starts:
                return self._park(task_id, PARKED_TOO_MANY_STARTS)
            try:
                body = self._unsealer.unseal(task_id=task_id, envelope=start.sealed)
            except UnknownSealingKeyError:
                return self._park(task_id, PARKED_UNKNOWN_KEY)
            except UnsealError:
                return self._park(task_id, PARKED_UNREADABLE)
            return self._finish(task_id, self._outcome_of(body, customer_id))

    def _outcome_of(self, body: bytes, customer_id: str) -> Outcome:
        # In the order in which the contract ranks the errors.
        try:
            request = parse_customer_request(parse_object(body))
        except InvalidRequestError as error:
            return outcomes.validation_error(error.faults)
        if len(request["password"]) < self._minimum_password_characters:
            return outcomes.validation_error([self._short_password])
        email = rules.parse_email(request["email"])
        if email is None:
            return outcomes.invalid_email(request["email"])
        invalid = rules.first_invalid_country(request.get("addresses", []))
        if invalid is not None:
            position, country = invalid
            return outcomes.invalid_country(country, address=position)
        with self._metrics.hashing():
            password_hash = self._passwords.hash(request["password"])
        customer = self._customer(request, email, customer_id=customer_id, password_hash=password_hash)
        added = self._patience.until_done(lambda: self._customers.add(customer))
        return outcomes.created(added.customer) if isinstance(added, Added) else outcomes.duplicate_key(email.address)

    def _customer(
        self, request: CustomerRequest, email: rules.Email, *, customer_id: str, password_hash: str
    ) -> StoredCustomer:
        return StoredCustomer(
            id=customer_id,
            email=email.address,
            email_key=email.key,
            password_hash=password_hash,
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

    def _finish(self, task_id: str, outcome: Outcome) -> str:
        written = self._patience.until_done(lambda: self._records.finish(task_id, outcome))
        # A record that is gone was dropped by an operator or lost by Redis; there is nobody left to tell.
        return str(written) if written is Finished.UNKNOWN else outcomes.name_of(outcome)

    def _park(self, task_id: str, reason: str) -> str:
        log.error("dead_letter", task_id=task_id, reason=reason)
        self._patience.until_done(lambda: self._records.park(task_id, reason))
        return reason
