"""Customers in MongoDB: inserted with majority and journal, one for each id and each email."""

from __future__ import annotations

import random
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from bson.errors import InvalidDocument
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    DocumentTooLarge,
    DuplicateKeyError,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from schemas.customer import StoredCustomer
from worker.patience import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pymongo import MongoClient

DATABASE: Final = "database"
"""What logs and metrics call MongoDB."""

COLLECTION: Final = "customers"

_SETTLE_TRIES: Final = 20
"""How often an insert is tried while a conflicting document can neither be read with majority nor is gone."""

_REFUSED_CODES: Final = frozenset({2, 9, 14, 121, 10334})
"""BadValue, FailedToParse, TypeMismatch, DocumentValidationFailure, BSONObjectTooLarge: repeating changes nothing."""


@dataclass(frozen=True, slots=True)
class Added:
    """The customer with this id exists, durably: inserted now or by an earlier delivery of the same task."""

    customer: StoredCustomer
    """As it is stored."""


@dataclass(frozen=True, slots=True)
class EmailTaken:
    """Another customer has the email; nothing was stored."""


class CustomerRepository(Protocol):
    """Where customers live. Every method raises `TransientError` while the store is away, and may be repeated."""

    def add(self, customer: StoredCustomer) -> Added | EmailTaken:
        """Store a customer whose id no other request can have, unless its email is taken."""
        ...

    def add_all(self, customers: Sequence[StoredCustomer]) -> list[Added | None]:
        """Store those that nothing stands against, with one wait for the journal.

        Returns:
            For each customer, in order: None is for one that `add` is to be asked about.

        Raises:
            Exception: one of them can never be stored; some others may have been.
        """
        ...

    def find(self, customer_id: str) -> StoredCustomer | None:
        """The customer with this id, if a majority has it."""
        ...


class MongoCustomers:
    """Customers in a MongoDB replica set. Thread-safe."""

    def __init__(self, client: MongoClient[dict[str, Any]], *, database: str) -> None:
        self._customers = client.get_database(
            database,
            write_concern=WriteConcern(w="majority", j=True),
            # A document that only the primary has can be rolled back; an outcome must not be built on it.
            read_concern=ReadConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
        )[COLLECTION]
        self._settling = threading.Event()

    def prepare(self) -> None:
        """Build the unique index that makes emails unique; nothing is done where it is there.

        Raises:
            TransientError: MongoDB is away.
        """
        with _translated():
            self._customers.create_index("email_key", unique=True, name="email_key_unique")

    def add(self, customer: StoredCustomer) -> Added | EmailTaken:
        """See `CustomerRepository.add`."""
        document = _to_document(customer)
        for _ in range(_SETTLE_TRIES):
            with _translated():
                try:
                    self._customers.insert_one(document)
                except DuplicateKeyError:
                    pass
                else:
                    return Added(customer)
            # The index tells of a conflict at once, a majority read only of what no failover can take back: what
            # conflicts is told when it can be read, and while it cannot be the insert may still be the one to win.
            stored = self.find(customer["id"])
            if stored is not None:
                return Added(stored)
            if self._email_is_taken(customer):
                return EmailTaken()
            self._settling.wait(random.uniform(0.01, 0.1))  # noqa: S311 - not a secret
        raise TransientError(DATABASE)

    def add_all(self, customers: Sequence[StoredCustomer]) -> list[Added | None]:
        """See `CustomerRepository.add_all`."""
        if len(customers) == 1:
            return [self._add_one(customers[0])]
        refused: set[int] = set()
        with _translated():
            try:
                self._customers.insert_many([_to_document(customer) for customer in customers], ordered=False)
            except BulkWriteError as error:
                if error.details["writeConcernErrors"]:
                    raise
                refused = {each["index"] for each in error.details["writeErrors"]}
        return [None if place in refused else Added(customer) for place, customer in enumerate(customers)]

    def _add_one(self, customer: StoredCustomer) -> Added | None:
        # What a bulk write prepares for each of its parts is a tenth of a millisecond more.
        with _translated():
            try:
                self._customers.insert_one(_to_document(customer))
            except DuplicateKeyError:
                return None
        return Added(customer)

    def find(self, customer_id: str) -> StoredCustomer | None:
        """See `CustomerRepository.find`."""
        with _translated():
            document = self._customers.find_one({"_id": customer_id})
        return None if document is None else _from_document(document)

    def _email_is_taken(self, customer: StoredCustomer) -> bool:
        with _translated():
            holder = self._customers.find_one({"email_key": customer["email_key"]}, projection={"_id": True})
        return holder is not None and holder["_id"] != customer["id"]


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what passes by waiting into `TransientError`; the rest goes through. Neither shows a driver's text."""
    try:
        yield
    except (ConfigurationError, DocumentTooLarge, InvalidDocument, InvalidOperation):
        raise
    except OperationFailure as error:
        if error.code in _REFUSED_CODES:
            raise
        raise TransientError(DATABASE) from error
    except PyMongoError as error:
        raise TransientError(DATABASE) from error


def _to_document(customer: StoredCustomer) -> dict[str, Any]:
    document: dict[str, Any] = {"_id": customer["id"], **customer}
    del document["id"]
    return document


def _from_document(document: dict[str, Any]) -> StoredCustomer:
    return StoredCustomer(
        id=document["_id"],
        email=document["email"],
        email_key=document["email_key"],
        password_hash=document["password_hash"],
        firstName=document["firstName"],
        lastName=document["lastName"],
        status=document["status"],
        tags=document["tags"],
        addresses=document["addresses"],
        created_at=document["created_at"],
    )
