"""The use case: accepted tasks to their one outcome each, a group at a time. Knows neither Celery nor HTTP.

What costs a round trip or a wait for the journal is done once for a group; nothing waits for a group to fill.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from schemas import outcome as outcomes
from schemas.protocol.keys import Finished, Started
from startup.seldom import Seldom
from worker.customer.customers import DATABASE, Added, EmailTaken, NotStored
from worker.customer.repeats import Repeats
from worker.customer.signups import Signup, Unreadable
from worker.dependencies.mongo_refusals import Kind
from worker.dependencies.patience import GiveBackError, UnexplainedError
from worker.promise.records import Parking, Start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from schemas.customer import StoredCustomer
    from schemas.outcome import Outcome
    from worker.customer.customers import CustomerRepository
    from worker.customer.passwords import PasswordHasher
    from worker.customer.signups import SignupReader
    from worker.dependencies.patience import Patience
    from worker.metrics import WorkerMetrics
    from worker.promise.records import Delivery, TaskRecords
    from worker.promise.turnstile import Turnstile

FAILED: Final = "failed"
"""What became of a task that met an error of the service's own; it is delivered again."""

DEFERRED: Final = "deferred"
"""What became of a task that another worker may be able to read; it is delivered again in a while."""

PARKED_TOO_MANY_STARTS: Final = "too_many_starts"
PARKED_UNIQUE_INDEX: Final = "refused_by_unique_index"
PARKED_VALIDATOR: Final = "refused_by_validator"
PARKED_DATABASE: Final = "refused_by_database"
"""Reasons of dead letters, beside those of `worker.customer.signups`."""

_REASON_OF_REFUSAL: Final = {"DuplicateKey": PARKED_UNIQUE_INDEX, "DocumentValidationFailure": PARKED_VALIDATOR}

log = structlog.get_logger("worker.task")


@dataclass(slots=True)
class _Task:
    """One task while its group is worked. Once `word` is set the task has ended, and later stages skip it.

    Until then exactly one of `signup`, `outcome`, `unreadable` and `parking` says what is to be done about it next.
    """

    delivery: Delivery
    start: Start
    customer_id: str
    signup: Signup | None = field(default=None, repr=False)
    """To be hashed and stored."""
    outcome: Outcome | None = field(default=None, repr=False)
    """To be written."""
    unreadable: Unreadable | None = None
    """To be left to other workers."""
    parking: Parking | None = None
    """To be made a dead letter."""
    word: str = ""

    def came_to(
        self,
        *,
        outcome: Outcome | None = None,
        unreadable: Unreadable | None = None,
        reason: str | None = None,
        detail: str = "",
    ) -> None:
        """Say what is to be done next; the password is forgotten."""
        self.signup = None
        self.outcome = outcome
        self.unreadable = unreadable
        self.parking = None if reason is None else Parking(self.delivery, reason, detail)


class CreateCustomer:
    """Brings tasks to their outcomes, exactly once however often they are delivered. Thread-safe."""

    def __init__(
        self,
        *,
        records: TaskRecords,
        customers: CustomerRepository,
        passwords: PasswordHasher,
        signups: SignupReader,
        patience: Patience,
        turnstile: Turnstile,
        metrics: WorkerMetrics,
        hash_concurrency: int,
        maximum_starts: int,
    ) -> None:
        self._records = records
        self._customers = customers
        self._passwords = passwords
        self._hash_threads = ThreadPoolExecutor(hash_concurrency, thread_name_prefix="hash")
        self._signups = signups
        self._patience = patience
        self._turnstile = turnstile
        self._metrics = metrics
        self._maximum_starts = maximum_starts
        self._repeats = Repeats()
        self._seldom = Seldom()

    def run(self, deliveries: Sequence[Delivery]) -> list[str]:
        """Work the tasks, each unless it has an outcome already.

        Returns:
            One word for what became of each: `created`, a documented error's code, or why there was nothing to do.
            `Started.ALONE` asks for `run_alone`, when this worker has time for nothing else.

        Raises:
            GiveBackError: the worker stops while the broker or the database is away, or cannot use the database; give
                the tasks back.
        """
        with self._turnstile.beside_others():
            return self._run(deliveries, alone=False)

    def run_alone(self, delivery: Delivery) -> str:
        """Work a task that may kill this process, with nothing beside it.

        Raises:
            GiveBackError: as above.
        """
        with self._turnstile.alone():
            (word,) = self._run([delivery], alone=True)
        return word

    def release(self, delivery: Delivery) -> Finished:
        """Give the task back without counting its start; nothing is done where it has not been started, or has ended.

        Raises:
            TransientError: Redis cannot be told; its lease runs out, and the start stays counted.
        """
        return self._records.release(delivery)

    def _run(self, deliveries: Sequence[Delivery], *, alone: bool) -> list[str]:
        replies = self._patience.until_done(lambda: self._records.start(deliveries, alone=alone))
        # After START: what has been started can be given back at its place, and its start does not count.
        self._patience.check()
        words: dict[int, str] = {}
        tasks: dict[int, _Task] = {}
        for place, (delivery, reply) in enumerate(zip(deliveries, replies, strict=True)):
            if isinstance(reply, Start):
                self._metrics.task_started(reply.waited_seconds)
                customer_id = self._signups.customer_id(task_id=delivery.task_id, fingerprint=reply.fingerprint)
                tasks[place] = _Task(delivery, reply, customer_id)
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
        def open_with(what: Callable[[_Task], object]) -> list[_Task]:
            return [task for task in tasks if not task.word and what(task) is not None]

        for task in tasks:
            with self._guarded(task):
                self._read(task)
        self._look([task for task in tasks if not task.word])
        self._hash(open_with(lambda task: task.signup))
        self._store(open_with(lambda task: task.signup))
        self._finish(open_with(lambda task: task.outcome))
        self._defer(open_with(lambda task: task.unreadable))
        self._park(open_with(lambda task: task.parking))

    @contextmanager
    def _guarded(self, *tasks: _Task) -> Iterator[None]:
        """A step of some tasks: what goes wrong in it is nothing to the others of their group."""
        try:
            yield
        except GiveBackError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is logged, and the task is delivered again
            for task in tasks:
                task.word = _failed(task.delivery.task_id, error)

    def _read(self, task: _Task) -> None:
        if task.start.starts > self._maximum_starts:
            # Unread: it may be the reading that kills the process.
            task.came_to(reason=PARKED_TOO_MANY_STARTS)
            return
        read = self._signups.read(task_id=task.delivery.task_id, customer_id=task.customer_id, sealed=task.start.sealed)
        if isinstance(read, Signup):
            task.signup = read
        elif not isinstance(read, Unreadable):
            task.came_to(outcome=read)
        elif read.elsewhere:
            task.came_to(unreadable=read)
        else:
            task.came_to(reason=read.reason)

    def _look(self, tasks: Sequence[_Task]) -> None:
        """Before anything is refused: an earlier start may have got as far as the insert; that customer is the outcome.

        Starts that were given back do not count, so that their number says nothing about it. With it goes the question
        which emails are taken, where that is likely to save hashes; the unique index decides all the same.
        """
        ahead = self._repeats.are_likely(sum(task.signup is not None for task in tasks))
        asked = [task for task in tasks if ahead or task.signup is None or task.start.starts > 1]
        if not asked:
            return
        email_keys = {
            id(task): task.signup.customer["email_key"] for task in asked if ahead and task.signup is not None
        }
        with self._guarded(*asked):
            known = self._patience.until_done(
                lambda: self._customers.find_all(
                    ids=[task.customer_id for task in asked], email_keys=list(email_keys.values())
                )
            )
            for task in asked:
                stored = known.customers.get(task.customer_id)
                if stored is not None:
                    task.came_to(outcome=outcomes.created(stored))
                elif task.signup is not None and email_keys.get(id(task)) in known.emails:
                    self._repeated(task, task.signup.customer)

    def _hash(self, tasks: Sequence[_Task]) -> None:
        signups = [(task, task.signup) for task in tasks if task.signup is not None]
        pending = [(task, self._hash_threads.submit(self._hash_one, signup)) for task, signup in signups]
        for task, hashed in pending:
            with self._guarded(task):
                hashed.result()

    def _hash_one(self, signup: Signup) -> None:
        with self._metrics.hashing():
            signup.customer["password_hash"] = self._passwords.hash(signup.password)

    def _store(self, tasks: Sequence[_Task]) -> None:
        signups = [(task, task.signup.customer) for task in tasks if task.signup is not None]
        if not signups:
            return
        try:
            self._store_together(signups)
        except GiveBackError:
            raise
        except Exception as error:
            log.warning("group_not_stored", exc_info=error)
            for task, customer in signups:
                with self._guarded(task):
                    self._store_together([(task, customer)])

    def _store_together(self, signups: Sequence[tuple[_Task, StoredCustomer]]) -> None:
        customers = [customer for _, customer in signups]
        added = self._patience.until_done(lambda: self._customers.add_all(customers))
        for (task, customer), result in zip(signups, added, strict=True):
            with self._guarded(task):
                if isinstance(result, Added):
                    task.came_to(outcome=outcomes.created(result.customer))
                elif isinstance(result, EmailTaken):
                    self._repeated(task, customer)
                else:
                    self._not_stored(task, result)

    def _repeated(self, task: _Task, customer: StoredCustomer) -> None:
        self._repeats.saw_one()
        task.came_to(outcome=outcomes.duplicate_key(customer["email"]))

    def _not_stored(self, task: _Task, result: NotStored) -> None:
        refusal = result.refusal
        self._metrics.dependency_refused(DATABASE, refusal.code)
        if refusal.kind is Kind.UNKNOWN:
            log.warning("refused_unexplained", dependency=DATABASE, code=refusal.code)
            raise UnexplainedError(DATABASE, code=refusal.code)
        reason = _REASON_OF_REFUSAL.get(refusal.code, PARKED_DATABASE)
        task.came_to(reason=reason, detail=f"{refusal.code} {refusal.concerns}".strip())

    def _finish(self, tasks: Sequence[_Task]) -> None:
        results = [(task.delivery.task_id, task.outcome) for task in tasks if task.outcome is not None]
        if not results:
            return
        written = self._patience.until_done(lambda: self._records.finish(results))
        for task, (task_id, outcome), reply in zip(tasks, results, written, strict=True):
            if isinstance(reply, Exception):
                task.word = _failed(task_id, reply)
            else:
                # A record that is gone was dropped by an operator or lost by Redis; there is nobody left to tell.
                task.word = str(reply) if reply is Finished.UNKNOWN else outcomes.name_of(outcome)

    def _defer(self, tasks: Sequence[_Task]) -> None:
        if not tasks:
            return
        replies = self._patience.until_done(lambda: self._records.defer([task.delivery for task in tasks]))
        for task, reply in zip(tasks, replies, strict=True):
            reason = task.unreadable.reason if task.unreadable is not None else ""
            if isinstance(reply, Exception):
                task.word = _failed(task.delivery.task_id, reply)
            elif reply is Finished.OVERDUE:
                task.came_to(reason=reason)
            elif reply is Finished.WRITTEN:
                task.word = DEFERRED
                self._metrics.task_deferred(reason)
                if self._seldom.is_due(reason):
                    log.warning("task_deferred", task_id=task.delivery.task_id, reason=reason)
            else:
                task.word = str(reply)

    def _park(self, tasks: Sequence[_Task]) -> None:
        parkings = [task.parking for task in tasks if task.parking is not None]
        if not parkings:
            return
        replies = self._patience.until_done(lambda: self._records.park(parkings))
        for task, parking, reply in zip(tasks, parkings, replies, strict=True):
            if isinstance(reply, Exception):
                task.word = _failed(task.delivery.task_id, reply)
            elif reply is Finished.WRITTEN:
                log.error("dead_letter", task_id=task.delivery.task_id, reason=parking.reason, detail=parking.detail)
                task.word = parking.reason
            else:
                # Another delivery has the task now, or an operator: what this one found out is not asked for.
                task.word = str(reply)


def _failed(task_id: str, error: Exception) -> str:
    # It stays open: when its lease has run out the sweeper sends it again, with growing gaps, until the starts are used
    # up and it is parked. Celery must not see the error, since it would log its text.
    log.error("task_failed", task_id=task_id, exc_info=error)
    return FAILED
