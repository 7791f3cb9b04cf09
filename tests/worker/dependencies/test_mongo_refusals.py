"""A refusal of MongoDB is told by name. It stops the signups that it is about, and delays no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pymongo import MongoClient
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from tests.worker.customer.test_customers import a_customer
from worker.customer.customers import COLLECTION, Added, EmailTaken, MongoCustomers, NotStored
from worker.dependencies.errors import MisconfiguredError
from worker.dependencies.mongo_refusals import Kind, Refusal, of_error, of_write_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pymongo.collection import Collection

CANARY = "canary-of-a-document"


def failure(code: int, **details: Any) -> OperationFailure:
    return OperationFailure(CANARY, code, details)


# The table


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (failure(10107), Kind.TRANSIENT, "NotWritablePrimary"),
        (failure(189), Kind.TRANSIENT, "PrimarySteppedDown"),
        (failure(64), Kind.TRANSIENT, "WriteConcernTimeout"),
        (failure(262), Kind.TRANSIENT, "ExceededTimeLimit"),
        (AutoReconnect(CANARY), Kind.TRANSIENT, "AutoReconnect"),
        (NetworkTimeout(CANARY), Kind.TRANSIENT, "NetworkTimeout"),
        (failure(987654, errorLabels=["RetryableWriteError"]), Kind.TRANSIENT, "code_987654"),
        (failure(13), Kind.MISCONFIGURED, "Unauthorized"),
        (failure(18), Kind.MISCONFIGURED, "AuthenticationFailed"),
        (failure(100), Kind.MISCONFIGURED, "UnsatisfiableWriteConcern"),
        (ConfigurationError(CANARY), Kind.MISCONFIGURED, "ConfigurationError"),
        (failure(987654), Kind.UNKNOWN, "code_987654"),
        # For one document this would be about that document. For a whole command nobody knows which document is meant.
        (failure(2), Kind.UNKNOWN, "BadValue"),
        (PyMongoError(CANARY), Kind.UNKNOWN, "PyMongoError"),
    ],
)
def test_an_answer_to_a_command_is_told_by_name_and_without_its_text(
    error: PyMongoError, kind: Kind, code: str
) -> None:
    refusal = of_error(error, doing="insert")
    assert (refusal.kind, refusal.code) == (kind, code)
    assert CANARY not in repr(refusal)


@pytest.mark.parametrize("code", [67, 85, 86, 11000])
def test_an_index_that_cannot_be_built_is_named(code: int) -> None:
    refusal = of_error(failure(code), doing="createIndex")
    assert refusal.kind is Kind.MISCONFIGURED
    assert refusal.concerns == "index email_key_unique"
    assert "email_key" in refusal.advice


@pytest.mark.parametrize("doing", ["find", "insert", "createIndex"])
def test_a_right_that_is_missing_is_named(doing: str) -> None:
    assert of_error(failure(13), doing=doing).concerns == f"right {doing}"


@pytest.mark.parametrize(
    ("last_seen", "kind", "code"),
    [
        ([None, AutoReconnect(CANARY)], Kind.TRANSIENT, "ServerSelectionTimeoutError"),
        ([], Kind.MISCONFIGURED, "NotAReplicaSetMember"),
        ([failure(18)], Kind.MISCONFIGURED, "AuthenticationFailed"),
        ([failure(18), AutoReconnect(CANARY)], Kind.TRANSIENT, "ServerSelectionTimeoutError"),
    ],
)
def test_servers_that_are_away_are_distinguished_from_servers_that_cannot_be_used(
    last_seen: list[Exception | None], kind: Kind, code: str
) -> None:
    refusal = of_error(ServerSelectionTimeoutError(CANARY), doing="find", last_seen=last_seen)
    assert (refusal.kind, refusal.code) == (kind, code)


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"code": 11000, "keyPattern": {"_id": 1}}, Refusal(Kind.CONFLICT, "DuplicateKey")),
        ({"code": 11000, "keyPattern": {"email_key": 1}}, Refusal(Kind.CONFLICT, "DuplicateKey")),
        (
            {"code": 11000, "keyPattern": {"username": 1}, "keyValue": {"username": CANARY}},
            Refusal(Kind.PERMANENT, "DuplicateKey", "unique index username"),
        ),
        (
            {"code": 11000, "errmsg": f"E11000 … index: username_1 dup key: {{ username: {CANARY} }}"},
            Refusal(Kind.PERMANENT, "DuplicateKey", "unique index username_1"),
        ),
        (
            {"code": 121, "errInfo": {"failingDocumentId": CANARY}},
            Refusal(Kind.PERMANENT, "DocumentValidationFailure", "validator"),
        ),
        ({"code": 10334, "errmsg": CANARY}, Refusal(Kind.PERMANENT, "BSONObjectTooLarge")),
        ({"code": 171, "errmsg": CANARY}, Refusal(Kind.PERMANENT, "CannotIndexParallelArrays")),
        ({"code": 91, "errmsg": CANARY}, Refusal(Kind.TRANSIENT, "ShutdownInProgress")),
        ({"code": 987654, "errmsg": CANARY}, Refusal(Kind.UNKNOWN, "code_987654")),
    ],
)
def test_the_refusal_of_one_document_is_told_by_name_and_without_its_values(
    details: Mapping[str, Any], expected: Refusal
) -> None:
    assert of_write_error(details) == expected


# A real collection


@pytest.fixture
def collection(isolated_env: Mapping[str, str]) -> Iterator[Collection[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](isolated_env["INTAKE_MONGODB_URI"], tz_aware=True) as client:
        yield client[isolated_env["INTAKE_MONGODB_DATABASE"]][COLLECTION]


def customers_in(collection: Collection[dict[str, Any]]) -> MongoCustomers:
    return MongoCustomers(collection.database.client, database=collection.database.name)


def several(count: int, **changes: Any) -> list[Any]:
    return [
        a_customer(f"c{number}", email_key=f"{number}@example.com", firstName=f"N{number}", **changes)
        for number in range(count)
    ]


def test_a_unique_index_of_others_refuses_only_the_customers_that_break_it(
    collection: Collection[dict[str, Any]],
) -> None:
    customers = customers_in(collection)
    customers.prepare()
    collection.create_index("firstName", unique=True, name="first_names_1")
    group = several(5)
    group[3]["firstName"] = group[1]["firstName"]
    results = customers.add_all(group)
    assert results[3] == NotStored(Refusal(Kind.PERMANENT, "DuplicateKey", "unique index first_names_1"))
    assert [result for place, result in enumerate(results) if place != 3] == [
        Added(customer) for place, customer in enumerate(group) if place != 3
    ]
    assert customers.add_all([group[3]]) == [results[3]]


def test_a_validator_refuses_only_the_customers_that_break_it_and_none_that_is_stored_already(
    collection: Collection[dict[str, Any]],
) -> None:
    customers = customers_in(collection)
    customers.prepare()
    stored, refused, taken = several(3, lastName=CANARY)
    good = a_customer("good", email_key="good@example.com")
    customers.add_all([stored])
    taken["email_key"] = stored["email_key"]
    collection.database.command("collMod", COLLECTION, validator={"lastName": {"$ne": CANARY}})
    results = customers.add_all([stored, refused, taken, good])
    assert results[0] == Added(stored)
    assert results[1] == NotStored(Refusal(Kind.PERMANENT, "DocumentValidationFailure", "validator"))
    assert results[2] == EmailTaken()
    assert results[3] == Added(good)
    assert CANARY not in repr(results[1])


def test_an_index_that_cannot_take_a_document_refuses_only_that_document(
    collection: Collection[dict[str, Any]],
) -> None:
    customers = customers_in(collection)
    customers.prepare()
    theirs = [("tags", 1), ("addresses", 1)]
    collection.create_index(theirs, partialFilterExpression={"lastName": "in both lists"})
    good, bad = several(2)
    bad["lastName"] = "in both lists"
    assert customers.add_all([bad, good]) == [
        NotStored(Refusal(Kind.PERMANENT, "CannotIndexParallelArrays")),
        Added(good),
    ]


@pytest.mark.parametrize(
    ("documents", "index", "code"),
    [
        ([{"_id": 1}, {"_id": 2}], None, "DuplicateKey"),
        ([{"email_key": CANARY}, {"email_key": CANARY}], None, "DuplicateKey"),
        ([], {"keys": "email_key", "name": "theirs", "unique": True}, "IndexOptionsConflict"),
        ([], {"keys": "other", "name": "email_key_unique"}, "IndexKeySpecsConflict"),
    ],
)
def test_an_obstacle_to_the_index_is_told_until_it_is_gone(
    collection: Collection[dict[str, Any]], documents: list[Any], index: Mapping[str, Any] | None, code: str
) -> None:
    customers = customers_in(collection)
    if documents:
        collection.insert_many(documents)
    if index is not None:
        collection.create_index(**index)
    for _ in range(2):
        with pytest.raises(MisconfiguredError) as caught:
            customers.prepare()
        assert (caught.value.code, caught.value.concerns) == (code, "index email_key_unique")
        assert CANARY not in f"{caught.value} {caught.value.advice}"
    collection.drop()
    customers.prepare()


def test_an_email_that_only_a_collation_takes_for_another_is_refused_for_good(
    collection: Collection[dict[str, Any]],
) -> None:
    """No read finds the email that it conflicts with. A worker that waited for that would wait for ever."""
    customers = customers_in(collection)
    customers.prepare()
    alike = {"locale": "en", "strength": 1}
    collection.create_index("email_key", unique=True, name="alike", collation=alike)
    plain, accented, same = several(3)
    plain["email_key"], accented["email_key"] = "jose@example.com", "jos\N{LATIN SMALL LETTER E WITH ACUTE}@example.com"
    assert customers.add_all([plain]) == [Added(plain)]
    assert customers.add_all([accented]) == [NotStored(Refusal(Kind.PERMANENT, "DuplicateKey", "unique index alike"))]
    same["email_key"] = plain["email_key"]
    assert customers.add_all([same]) == [EmailTaken()]
