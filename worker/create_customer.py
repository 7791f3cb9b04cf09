"""The use case: accepted tasks to their one outcome each, a group at a time. Knows neither Celery nor HTTP.

What costs a round trip or a wait for the journal is done once for a group; nothing waits for a group to fill.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from schemas import outcome as outcomes
from schemas.customer import (
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
from worker.patience import ShuttingDownError
from worker.records import Start

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import SecretStr

    from schemas.customer import CustomerRequest
    from schemas.ids import IdDeriver
    from schemas.outcome import Outcome
    from schemas.sealing import Unsealer
    from worker.customers import CustomerRepository
    from worker.metrics import WorkerMetrics
    from worker.passwords import PasswordHasher
    from worker.patience import Patience
    from worker.records import Delivery, TaskRecords
    from worker.turnstile import Turnstile

FAILED: Final = "failed"
"""What became of a task that met an error of the service's own; it is delivered again."""

PARKED_TOO_MANY_STARTS: Final = "too_many_starts"
PARKED_UNKNOWN_KEY: Final = "unknown_sealing_key"
PARKED_UNREADABLE: Final = "sealed_request_unreadable"
"""Reasons of dead letters."""

log = structlog.get_logger("worker.task")


@dataclass(slots=True)
class _Task:
    """A started task on its way; it is at its end when it has a word."""

    task_id: str
    start: Start
    customer_id: str
    password: SecretStr | None = None
    """To be hashed, for `customer`."""
    customer: StoredCustomer | None = field(default=None, repr=False)
    """To be stored."""
    outcome: Outcome | None = field(default=None, repr=False)
    """To be written."""
    word: str = ""


class CreateCustomer:
    """Brings tasks to their outcomes, exactly once however often they are delivered. Thread-safe."""

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
        hash_concurrency: int,
        maximum_starts: int,
        minimum_password_characters: int,
    ) -> None:
        self._records = records
        self._customers = customers
        self._passwords = passwords
        self._hash_threads = ThreadPoolExecutor(hash_concurrency, thread_name_prefix="hash")
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

    def run(self, deliveries: Sequence[Delivery]) -> list[str]:
        """Work the tasks, each unless it has an outcome already.

        Returns:
            One word for what became of each: `created`, a documented error's code, or why there was nothing to do.
            `Started.ALONE` asks for `run_alone`, when this worker has time for nothing else.

        Raises:
            ShuttingDownError: the worker stops while the broker or the database is away; give the tasks back.
        """
        with self._turnstile.beside_others():
            return self._run(deliveries, alone=False)

    def run_alone(self, delivery: Delivery) -> str:
        """Work a task that may kill this process, with nothing beside it.

        Raises:
            ShuttingDownError: as above.
        """
        with self._turnstile.alone():
            (word,) = self._run([delivery], alone=True)
        return word

    def release(self, delivery: Delivery) -> None:
        """Give the task back without counting its start; nothing is done where it has not been started, or has ended.

        Raises:
            TransientError: Redis cannot be told; its lease runs out, and the start stays counted.
        """
        self._records.release(delivery)

    def _run(self, deliveries: Sequence[Delivery], *, alone: bool) -> list[str]:
        replies = self._patience.until_done(lambda: self._records.start(deliveries, alone=alone))
        words: dict[int, str] = {}
        tasks: dict[int, _Task] = {}
        for place, (delivery, reply) in enumerate(zip(deliveries, replies, strict=True)):
            if isinstance(reply, Start):
                self._metrics.task_started(reply.waited_seconds)
                customer_id = self._ids.customer_id(task_id=delivery.task_id, fingerprint=reply.fingerprint)
                tasks[place] = _Task(delivery.task_id, reply, customer_id)
            elif isinstance(reply, Exception):
                words[place] = _failed(delivery.task_id, reply)
            else:
                words[place] = str(reply)
        with self._metrics.tasks_in_flight(len(tasks)):
            self._work(list(tasks.values()))
        words |= {place: task.word for place, task in tasks.items()}
        for word in words.values():
            if word != Started.ALONE:
                self._metrics.task_ended(word)
        return [words[place] for place in range(len(deliveries))]

    def _work(self, tasks: Sequence[_Task]) -> None:
        for task in tasks:
            with self._guarded(task):
                self._read(task)
        self._hash([task for task in tasks if task.password is not None])
        self._store([task for task in tasks if task.customer is not None and not task.word])
        self._finish([task for task in tasks if task.outcome is not None and not task.word])

    @contextmanager
    def _guarded(self, task: _Task) -> Iterator[None]:
        """One task's own step: what goes wrong in it is nothing to the others of its group."""
        try:
            yield
        except ShuttingDownError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is logged, and the task is delivered again
            task.word = _failed(task.task_id, error)

    def _read(self, task: _Task) -> None:
        """Open and check the request: an outcome, a dead letter, or a customer that lacks its hash."""
        if task.start.starts > 1:
            # An earlier start may have got as far as the insert; then its customer is the outcome.
            stored = self._patience.until_done(lambda: self._customers.find(task.customer_id))
            if stored is not None:
                task.outcome = outcomes.created(stored)
                return
        if task.start.starts > self._maximum_starts:
            self._park(task, PARKED_TOO_MANY_STARTS)
            return
        try:
            body = self._unsealer.unseal(task_id=task.task_id, envelope=task.start.sealed)
        except UnknownSealingKeyError:
            self._park(task, PARKED_UNKNOWN_KEY)
        except UnsealError:
            self._park(task, PARKED_UNREADABLE)
        else:
            self._check(task, body)

    def _check(self, task: _Task, body: bytes) -> None:
        # In the order in which the contract ranks the errors.
        try:
            request = parse_customer_request(parse_object(body))
        except InvalidRequestError as error:
            task.outcome = outcomes.validation_error(error.faults)
            return
        if len(request["password"]) < self._minimum_password_characters:
            task.outcome = outcomes.validation_error([self._short_password])
            return
        email = rules.parse_email(request["email"])
        if email is None:
            task.outcome = outcomes.invalid_email(request["email"])
            return
        invalid = rules.first_invalid_country(request.get("addresses", []))
        if invalid is not None:
            position, country = invalid
            task.outcome = outcomes.invalid_country(country, address=position)
            return
        task.password = request["password"]
        task.customer = self._customer(request, email, customer_id=task.customer_id)

    def _customer(self, request: CustomerRequest, email: rules.Email, *, customer_id: str) -> StoredCustomer:
        return StoredCustomer(
            id=customer_id,
            email=email.address,
            email_key=email.key,
            password_hash="",  # it comes with `_hash`; nothing is stored without
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

    def _hash(self, tasks: Sequence[_Task]) -> None:
        pending = [(task, self._hash_threads.submit(self._hash_one, task)) for task in tasks]
        for task, hashed in pending:
            with self._guarded(task):
                hashed.result()

    def _hash_one(self, task: _Task) -> None:
        assert task.password is not None and task.customer is not None  # noqa: S101, PT018 - for the type checker
        with self._metrics.hashing():
            task.customer["password_hash"] = self._passwords.hash(task.password)
        task.password = None

    def _store(self, tasks: Sequence[_Task]) -> None:
        customers = [task.customer for task in tasks if task.customer is not None]
        if not customers:
            return
        added: Sequence[Added | None]
        try:
            added = self._patience.until_done(lambda: self._customers.add_all(customers))
        except ShuttingDownError:
            raise
        except Exception as error:
            log.warning("group_not_stored", exc_info=error)
            added = [None] * len(customers)
        for task, customer, result in zip(tasks, customers, added, strict=True):
            with self._guarded(task):
                task.outcome = outcomes.created(result.customer) if result is not None else self._settle(customer)

    def _settle(self, customer: StoredCustomer) -> Outcome:
        added = self._patience.until_done(lambda: self._customers.add(customer))
        return (
            outcomes.created(added.customer) if isinstance(added, Added) else outcomes.duplicate_key(customer["email"])
        )

    def _finish(self, tasks: Sequence[_Task]) -> None:
        results = [(task.task_id, task.outcome) for task in tasks if task.outcome is not None]
        if not results:
            return
        written = self._patience.until_done(lambda: self._records.finish(results))
        for task, (_, outcome), reply in zip(tasks, results, written, strict=True):
            if isinstance(reply, Exception):
                task.word = _failed(task.task_id, reply)
            else:
                # A record that is gone was dropped by an operator or lost by Redis; there is nobody left to tell.
                task.word = str(reply) if reply is Finished.UNKNOWN else outcomes.name_of(outcome)

    def _park(self, task: _Task, reason: str) -> None:
        log.error("dead_letter", task_id=task.task_id, reason=reason)
        self._patience.until_done(lambda: self._records.park(task.task_id, reason))
        task.word = reason


def _failed(task_id: str, error: Exception) -> str:
    # It stays open: when its lease has run out the sweeper sends it again, with growing gaps, until the starts are used
    # up and it is parked. Celery must not see the error, since it would log its text.
    log.error("task_failed", task_id=task_id, exc_info=error)
    return FAILED
