"""Customers in MongoDB. Ids and emails are unique; a write counts once a majority has it in its journal."""

from __future__ import annotations

import random
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from bson.errors import InvalidDocument
from pymongo import timeout
from pymongo.errors import (
    BulkWriteError,
    DuplicateKeyError,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteError,
)
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from schemas.customer import StoredCustomer
from worker.dependencies import mongo_refusals
from worker.dependencies.errors import MisconfiguredError, TransientError, UnexplainedError
from worker.dependencies.mongo_errors import EMAIL_INDEX
from worker.dependencies.mongo_refusals import Kind, Refusal
from worker.dependencies.mongo_tls import ADVICE, TLS_FAILED, MongoTls, ask_why

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pymongo import MongoClient

DATABASE: Final = "database"
"""What logs and metrics call MongoDB."""

COLLECTION: Final = "customers"
"""The collection's name."""

_NO_TLS: Final = MongoTls()
"""What the URI says of TLS where it says nothing."""

_SETTLE_TRIES: Final = 20
"""How often an insert is tried while its conflicting document cannot be read with majority and is not gone either."""


@dataclass(frozen=True, slots=True)
class Added:
    """The customer with this id exists, durably: inserted now or by an earlier delivery of the same task."""

    customer: StoredCustomer
    """As it is stored."""


@dataclass(frozen=True, slots=True)
class EmailTaken:
    """Another customer has the email; nothing was stored."""


@dataclass(frozen=True, slots=True)
class NotStored:
    """The database refuses this customer, and may accept others. Nothing was stored."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Known:
    """Which of the customers and emails that were asked about a majority of the replica set has."""

    customers: Mapping[str, StoredCustomer]
    """Id → customer, for each id that was asked about and is stored."""
    emails: frozenset[str]
    """Keys of emails that are taken: those that were asked about, and those of `customers`."""


class CustomerRepository(Protocol):
    """Where customers live.

    Every method may be repeated, and raises:
        TransientError: the database is away.
        MisconfiguredError: it refuses every call until an operator mends something.
        UnexplainedError: it refuses with an error that is in no table.
    """

    def add_all(self, customers: Sequence[StoredCustomer]) -> list[Added | EmailTaken | NotStored]:
        """Store customers whose ids no other request can have, unless their emails are taken.

        The others are inserted first. Then one read finds out why the database refused the rest.

        Returns:
            What became of each customer, in order. A majority of the replica set has every document that this says.
        """
        ...

    def find_all(self, *, ids: Sequence[str], email_keys: Sequence[str] = ()) -> Known:
        """Find out in one round trip which of these customers and emails are stored."""
        ...


class MongoCustomers:
    """Customers in a MongoDB replica set. Thread-safe."""

    def __init__(self, client: MongoClient[dict[str, Any]], *, database: str, tls: MongoTls = _NO_TLS) -> None:
        """`tls`: what the client's URI says of it."""
        self._client = client
        self._tls = tls
        self._customers = client.get_database(
            database,
            write_concern=WriteConcern(w="majority", j=True),
            # A document that only the primary has can be rolled back; an outcome must not be built on it.
            read_concern=ReadConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
        )[COLLECTION]
        self._settling = threading.Event()

    def prepare(self) -> None:
        """Build the index that makes emails unique, and read once with majority.

        Where the index exists already, this proves that the replica set acknowledges and reads with majority.

        Raises:
            TransientError: MongoDB is away.
            MisconfiguredError: it refuses until an operator mends something.
            UnexplainedError: it refuses with an error that is in no table.
        """
        try:
            with self._translated("createIndex"):
                self._customers.create_index("email_key", unique=True, name=EMAIL_INDEX)
            self.find_all(ids=[""])
        except TransientError as error:
            self._raise_if_tls_fails(error)
            raise

    def ask(self, *, seconds: float) -> None:
        """Read once with majority, and wait for no longer than this.

        Raises:
            TransientError: MongoDB does not answer in time.
            MisconfiguredError: it refuses until an operator mends something.
            UnexplainedError: it refuses with an error that is in no table.
        """
        with timeout(seconds):
            self.find_all(ids=[""])

    def _raise_if_tls_fails(self, error: TransientError) -> None:
        known = self._client.topology_description
        if known.has_readable_server():
            return
        fault = ask_why(known.server_descriptions(), self._tls)
        if fault is not None:
            advice = ADVICE[fault]
            raise MisconfiguredError(DATABASE, code=TLS_FAILED, concerns=fault, advice=advice, may_pass=True) from error

    def add_all(self, customers: Sequence[StoredCustomer]) -> list[Added | EmailTaken | NotStored]:
        """See `CustomerRepository.add_all`."""
        results: dict[int, Added | EmailTaken | NotStored] = {}
        pending = list(range(len(customers)))
        for _ in range(_SETTLE_TRIES):
            refusals = self._insert([customers[place] for place in pending])
            refused = {pending[position]: refusal for position, refusal in refusals.items()}
            results |= {place: Added(customers[place]) for place in pending if place not in refused}
            if refused:
                results |= self._settle({place: (customers[place], refusal) for place, refusal in refused.items()})
            pending = [place for place in pending if place not in results]
            if not pending:
                return [results[place] for place in range(len(customers))]
            # The unique index reports a conflict immediately. A majority read shows the conflicting document only once
            # no failover can undo it. Until then our insert may still win, so try again.
            self._settling.wait(random.uniform(0.01, 0.1))  # noqa: S311 - not a secret
        raise TransientError(DATABASE)

    def find_all(self, *, ids: Sequence[str], email_keys: Sequence[str] = ()) -> Known:
        """See `CustomerRepository.find_all`."""
        query: dict[str, Any] = {"_id": {"$in": list(ids)}}
        if email_keys:
            query = {"$or": [query, {"email_key": {"$in": list(email_keys)}}]}
        with self._translated("find"):
            documents = list(self._customers.find(query))
        asked = set(ids)
        return Known(
            # Another customer may have been stored by somebody else, without our fields. Only its email is read.
            {document["_id"]: _from_document(document) for document in documents if document["_id"] in asked},
            frozenset(document["email_key"] for document in documents),
        )

    def _settle(
        self, refused: Mapping[int, tuple[StoredCustomer, Refusal]]
    ) -> dict[int, Added | EmailTaken | NotStored]:
        """What became of the customers that were refused, by place. A place is missing where nobody can know yet."""
        known = self.find_all(
            ids=[customer["id"] for customer, _ in refused.values()],
            email_keys=[customer["email_key"] for customer, _ in refused.values()],
        )
        results: dict[int, Added | EmailTaken | NotStored] = {}
        for place, (customer, refusal) in refused.items():
            # First the customer itself: an earlier delivery may have stored it, whatever refuses it now.
            if customer["id"] in known.customers:
                results[place] = Added(known.customers[customer["id"]])
            elif customer["email_key"] in known.emails:
                results[place] = EmailTaken()
            elif refusal.kind is not Kind.CONFLICT:
                results[place] = NotStored(refusal)
        return results

    def _insert(self, customers: Sequence[StoredCustomer]) -> dict[int, Refusal]:
        """Insert all of them with one wait for the journal. Returns why some were refused, by place."""
        try:
            with self._translated("insert"):
                if len(customers) == 1:
                    return self._insert_one(customers[0])
                return self._insert_many(customers)
        except (InvalidDocument, OverflowError) as error:
            # The driver cannot encode one of them, and does not say which.
            if len(customers) == 1:
                return {0: Refusal(Kind.PERMANENT, type(error).__name__)}
            return {
                place: refusal
                for place, customer in enumerate(customers)
                for refusal in self._insert([customer]).values()
            }

    def _insert_one(self, customer: StoredCustomer) -> dict[int, Refusal]:
        # A bulk write of one document would cost a tenth of a millisecond more.
        try:
            self._customers.insert_one(_to_document(customer))
        except DuplicateKeyError as error:
            return {0: mongo_refusals.of_write_error({"code": error.code, **(error.details or {})})}
        except WriteError as error:
            refusal = mongo_refusals.of_write_error({"code": error.code, **(error.details or {})})
            _raise_unless_of_one(refusal, error)
            return {0: refusal}
        return {}

    def _insert_many(self, customers: Sequence[StoredCustomer]) -> dict[int, Refusal]:
        try:
            self._customers.insert_many([_to_document(customer) for customer in customers], ordered=False)
        except BulkWriteError as error:
            if error.details["writeConcernErrors"]:
                raise
            refusals = {each["index"]: mongo_refusals.of_write_error(each) for each in error.details["writeErrors"]}
            for refusal in refusals.values():
                _raise_unless_of_one(refusal, error)
            return refusals
        return {}

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        """Translate the driver's errors by the table of MongoDB's errors, without any text of the driver's."""
        try:
            yield
        except PyMongoError as error:
            last_seen = None
            if isinstance(error, ServerSelectionTimeoutError):
                servers = self._client.topology_description.server_descriptions().values()
                last_seen = [server.error for server in servers]
            _raise(mongo_refusals.of_error(error, doing=doing, last_seen=last_seen), error)


def _raise_unless_of_one(refusal: Refusal, error: PyMongoError) -> None:
    """Raise an error that is about every document, although it came with one (a router does that for its shards)."""
    if refusal.kind in {Kind.TRANSIENT, Kind.MISCONFIGURED}:
        _raise(refusal, error)


def _raise(refusal: Refusal, error: PyMongoError) -> None:
    if refusal.kind is Kind.TRANSIENT:
        raise TransientError(DATABASE) from error
    family = MisconfiguredError if refusal.kind is Kind.MISCONFIGURED else UnexplainedError
    raise family(DATABASE, code=refusal.code, concerns=refusal.concerns, advice=refusal.advice) from error


def _to_document(customer: StoredCustomer) -> dict[str, Any]:
    document: dict[str, Any] = {"_id": customer["id"], **customer}
    del document["id"]
    return document


def _from_document(document: dict[str, Any]) -> StoredCustomer:
    customer = StoredCustomer(
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
    # Neither is there in documents of earlier releases, nor an origin in those of single signups.
    if "origin" in document:
        customer["origin"] = document["origin"]
    if "password_scheme" in document:
        customer["password_scheme"] = document["password_scheme"]
    return customer
