"""What is done with rows, stage by stage: check, look up, hash, insert.

Each stage takes rows that have come to it and returns one value for each, in the same order. A stage costs one round
trip however many rows it is given. An error in one row's step is that row's `Failed` and leaves the others alone.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from passwords.wrapping import wrapped
from schemas import outcome as outcomes
from worker.customer.customers import DATABASE, Added, EmailTaken
from worker.customer.hash_pool import HashPool
from worker.customer.repeats import Repeats
from worker.customer.rows import Checked, Decided, Failed, Hashed, Refused, guarded
from worker.dependencies.errors import GiveBackError, UnexplainedError
from worker.dependencies.mongo_refusals import Kind

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from passwords.hashing import PasswordHasher
    from schemas.customer import StoredCustomer
    from worker.customer.checks import Checks
    from worker.customer.customers import CustomerRepository, Known, NotStored
    from worker.customer.rows import Identity, Row
    from worker.dependencies.mongo_refusals import Refusal
    from worker.dependencies.patience import Patience
    from worker.metrics import WorkerMetrics

PARKED_UNIQUE_INDEX: Final = "refused_by_unique_index"
"""Reason of a dead letter: a unique index that is not this service's own refuses the customer."""

PARKED_VALIDATOR: Final = "refused_by_validator"
"""Reason of a dead letter: a validator of the collection refuses the customer."""

PARKED_DATABASE: Final = "refused_by_database"
"""Reason of a dead letter: MongoDB refuses the customer for another reason, which `detail` names."""

_REASON_OF_REFUSAL: Final = {"DuplicateKey": PARKED_UNIQUE_INDEX, "DocumentValidationFailure": PARKED_VALIDATOR}
"""MongoDB's name of an error → the reason of the dead letter, where that is not `PARKED_DATABASE`."""

State = TypeVar("State")

log = structlog.get_logger("worker.task")


class Stages:
    """The stages of a row. Thread-safe.

    `look_up`, `hash` and `insert` raise `GiveBackError` where the worker stops while the database is away, or where it
    cannot use the database.
    """

    def __init__(
        self,
        *,
        checks: Checks,
        customers: CustomerRepository,
        passwords: PasswordHasher,
        patience: Patience,
        metrics: WorkerMetrics,
        hash_concurrency: int,
    ) -> None:
        """`hash_concurrency`: how many hashes are made at the same time, of all callers together."""
        self._checks = checks
        self._customers = customers
        self._passwords = passwords
        self._hash_pool = HashPool(hash_concurrency)
        self._patience = patience
        self._metrics = metrics
        self._repeats = Repeats()

    def beside_signups(self) -> AbstractContextManager[None]:
        """While this block runs, rows of batches leave the cores to signups as far as that is possible."""
        return self._hash_pool.beside_signups()

    def check(self, rows: Sequence[Row]) -> list[Checked | Decided | Failed]:
        """Check each request."""
        return [guarded(self._checks.check, row) for row in rows]

    def repeats_are_likely(self, rows: int) -> bool:
        """Whether it pays to look up the emails of so many rows before they are hashed."""
        return self._repeats.are_likely(rows)

    def look_up(
        self, rows: Sequence[State], *, identities: Sequence[Identity], emails: bool
    ) -> list[State | Decided | Failed]:
        """Ask once which of these customers are stored already and, if `emails`, which emails of theirs are taken.

        An earlier try may have got as far as the insert. Its customer is the outcome, whatever stands against the row
        now. The unique index has the last word about emails: one that is free here may be taken by the time of the
        insert.

        Args:
            rows: in any state; the emails of `Checked` ones can be asked about.
            identities: who each row's customer is.
            emails: whether to ask about emails too.

        Returns:
            For each row its outcome, or the row as it came where nothing is known of it.
        """
        email_keys = [row.email.key for row in rows if isinstance(row, Checked)] if emails else []
        known = guarded(self._find, [each.customer_id for each in identities], email_keys)
        if isinstance(known, Failed):
            return [known] * len(rows)
        return [guarded(self._look_at, row, identities[place], known) for place, row in enumerate(rows)]

    def hash(
        self, rows: Sequence[Checked], *, urgent: bool = True, stopping: threading.Event | None = None
    ) -> list[Hashed | Checked | Failed]:
        """Hash each password, as many at a time as `hash_concurrency` allows. Urgent ones go before all others.

        A row whose hash has not begun when `stopping` is set comes back as it is. A row that brought a hash costs none,
        unless that is a fast one, which is hashed once more.
        """
        made = [
            Hashed(self._complete(row))
            if row.is_hashed
            else self._hash_pool.submit(partial(self._hash_one, row, stopping), urgent=urgent)
            for row in rows
        ]
        return [each if isinstance(each, Hashed) else guarded(each.result) for each in made]

    def insert(self, rows: Sequence[Hashed]) -> list[Decided | Refused | Failed]:
        """Store all customers in one call, or one by one where that call fails."""
        try:
            return self._insert_together(rows)
        except GiveBackError:
            raise
        except Exception as error:
            log.warning("group_not_stored", exc_info=error)
        return [guarded(self._insert_one, row) for row in rows]

    def _find(self, ids: Sequence[str], email_keys: Sequence[str]) -> Known:
        return self._patience.until_done(lambda: self._customers.find_all(ids=ids, email_keys=email_keys))

    def _look_at(self, row: State, identity: Identity, known: Known) -> State | Decided:
        stored = known.customers.get(identity.customer_id)
        if stored is not None:
            return Decided(identity.outcome(stored))
        if isinstance(row, Checked) and row.email.key in known.emails:
            return self._repeated(row.email.address)
        return row

    def _hash_one(self, row: Checked, stopping: threading.Event | None) -> Hashed | Checked:
        if stopping is not None and stopping.is_set():
            return row
        with self._metrics.hashing():
            return Hashed(self._complete(row))

    def _complete(self, row: Checked) -> StoredCustomer:
        imported = row.imported
        if imported is None:
            return row.complete(self._passwords.hash(row.password))
        if imported.digest is None:
            return row.complete(imported.get_secret_value(), scheme=imported.scheme)
        return row.complete(wrapped(imported.digest, self._passwords), scheme=imported.scheme)

    def _insert_one(self, row: Hashed) -> Decided | Refused | Failed:
        (result,) = self._insert_together([row])
        return result

    def _insert_together(self, rows: Sequence[Hashed]) -> list[Decided | Refused | Failed]:
        customers = [row.customer for row in rows]
        added = self._patience.until_done(lambda: self._customers.add_all(customers))
        return [guarded(self._result, row, each) for row, each in zip(rows, added, strict=True)]

    def _result(self, row: Hashed, added: Added | EmailTaken | NotStored) -> Decided | Refused:
        if isinstance(added, Added):
            return Decided(row.identity.outcome(added.customer))
        if isinstance(added, EmailTaken):
            return self._repeated(row.customer["email"])
        return self._refused(added.refusal)

    def _repeated(self, email: str) -> Decided:
        self._repeats.saw_one()
        return Decided(outcomes.duplicate_key(email))

    def _refused(self, refusal: Refusal) -> Refused:
        self._metrics.dependency_refused(DATABASE, refusal.code)
        if refusal.kind is Kind.UNKNOWN:
            log.warning("refused_unexplained", dependency=DATABASE, code=refusal.code)
            raise UnexplainedError(DATABASE, code=refusal.code)
        reason = _REASON_OF_REFUSAL.get(refusal.code, PARKED_DATABASE)
        return Refused(reason, f"{refusal.code} {refusal.concerns}".strip())
