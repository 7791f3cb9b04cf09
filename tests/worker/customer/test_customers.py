"""The same tests for both repositories of customers: the one in MongoDB and the one in memory."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from pymongo import MongoClient

from tests.support.in_memory_customers import InMemoryCustomers
from tests.support.requests import an_address
from worker.customer.customers import COLLECTION, Added, CustomerRepository, EmailTaken, MongoCustomers, NotStored
from worker.dependencies.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from schemas.customer import StoredCustomer


@pytest.fixture
def mongo_client(isolated_env: Mapping[str, str]) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](isolated_env["INTAKE_MONGODB_URI"], tz_aware=True) as client:
        yield client


@pytest.fixture
def mongo_customers(isolated_env: Mapping[str, str], mongo_client: MongoClient[dict[str, Any]]) -> MongoCustomers:
    customers = MongoCustomers(mongo_client, database=isolated_env["INTAKE_MONGODB_DATABASE"])
    customers.prepare()
    return customers


@pytest.fixture(params=["MongoDB", "in memory"])
def customers(request: pytest.FixtureRequest) -> CustomerRepository:
    if request.param == "in memory":
        return InMemoryCustomers()
    repository: CustomerRepository = request.getfixturevalue("mongo_customers")
    return repository


def a_customer(customer_id: str = "c1", **changes: Any) -> StoredCustomer:
    whole: dict[str, Any] = {
        "id": customer_id,
        "email": "John@example.com",
        "email_key": "john@example.com",
        "password_hash": "$argon2id$1",
        "firstName": "John",
        "lastName": "Doe",
        "status": "ACTIVE",
        "tags": ["VIP", ""],
        "addresses": [an_address(address_2=["Floor 3", ""], phone=999_999_999_999_999, id="a1")],
        "created_at": datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
    }
    return cast("StoredCustomer", whole | changes)


def add(customers: CustomerRepository, customer: StoredCustomer) -> Added | EmailTaken | NotStored:
    (result,) = customers.add_all([customer])
    return result


def find(customers: CustomerRepository, customer_id: str) -> StoredCustomer | None:
    return customers.find_all(ids=[customer_id]).customers.get(customer_id)


def test_a_customer_that_was_added_is_found_unchanged(customers: CustomerRepository) -> None:
    assert add(customers, a_customer()) == Added(a_customer())
    assert find(customers, "c1") == a_customer()


def test_a_customer_that_was_not_added_is_not_found(customers: CustomerRepository) -> None:
    add(customers, a_customer())
    assert find(customers, "c2") is None


def test_adding_the_same_id_again_returns_the_stored_customer_and_changes_nothing(
    customers: CustomerRepository,
) -> None:
    add(customers, a_customer())
    again = a_customer(password_hash="$argon2id$2", created_at=datetime(2025, 1, 1, tzinfo=UTC))
    assert add(customers, again) == Added(a_customer())
    assert find(customers, "c1") == a_customer()


def test_a_second_customer_with_the_same_email_is_not_stored(customers: CustomerRepository) -> None:
    add(customers, a_customer())
    assert add(customers, a_customer("c2", email="JOHN@example.com")) == EmailTaken()
    assert find(customers, "c2") is None
    assert find(customers, "c1") == a_customer()


def test_customers_with_different_emails_are_all_stored(customers: CustomerRepository) -> None:
    add(customers, a_customer())
    other = a_customer("c2", email_key="jane@example.com")
    assert add(customers, other) == Added(other)
    assert find(customers, "c2") == other


def test_names_with_dollars_dots_and_any_characters_are_kept(customers: CustomerRepository) -> None:
    odd = a_customer(firstName='{"$gt": ""}', lastName="$where.\u2028😀Jose\u0301", tags=["$set", "a.b"])
    add(customers, odd)
    assert find(customers, "c1") == odd


def test_of_many_that_race_for_one_email_exactly_one_is_added(customers: CustomerRepository) -> None:
    together = threading.Barrier(8)

    def race(number: int) -> Added | EmailTaken | NotStored:
        together.wait(timeout=10)
        return add(customers, a_customer(f"c{number}"))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(race, range(8)))
    assert sum(isinstance(result, Added) for result in results) == 1
    assert sum(find(customers, f"c{number}") is not None for number in range(8)) == 1


def test_many_deliveries_of_one_customer_all_return_the_same_customer(customers: CustomerRepository) -> None:
    together = threading.Barrier(8)

    def race(number: int) -> Added | EmailTaken | NotStored:
        together.wait(timeout=10)
        return add(customers, a_customer(password_hash=f"$argon2id${number}"))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(race, range(8)))
    stored = find(customers, "c1")
    assert stored is not None
    assert results == [Added(stored)] * 8


# Only of MongoDB


def test_a_document_has_the_id_as_its_primary_key_and_no_value_twice(
    mongo_customers: MongoCustomers, mongo_client: MongoClient[dict[str, Any]], isolated_env: Mapping[str, str]
) -> None:
    add(mongo_customers, a_customer())
    (document,) = mongo_client[isolated_env["INTAKE_MONGODB_DATABASE"]][COLLECTION].find()
    assert document.pop("_id") == "c1"
    expected: dict[str, Any] = dict(a_customer())
    del expected["id"]
    assert document == expected


def test_preparing_again_does_nothing(mongo_customers: MongoCustomers) -> None:
    add(mongo_customers, a_customer())
    mongo_customers.prepare()
    assert find(mongo_customers, "c1") == a_customer()


def test_while_mongodb_is_away_every_call_raises_a_transient_error_without_the_text_of_the_driver() -> None:
    uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100&connectTimeoutMS=100"
    with MongoClient[dict[str, Any]](uri) as client:
        away = MongoCustomers(client, database="nowhere")
        calls = (
            away.prepare,
            lambda: away.ask(seconds=1),
            lambda: find(away, "c1"),
            lambda: add(away, a_customer()),
        )
        for call in calls:
            with pytest.raises(TransientError) as caught:
                call()
            assert str(caught.value) == "database"


# Several at once


def test_customers_without_a_conflict_are_stored_together(customers: CustomerRepository) -> None:
    several = [a_customer(f"c{number}", email_key=f"{number}@example.com") for number in range(5)]
    assert customers.add_all(several) == [Added(each) for each in several]
    assert [find(customers, each["id"]) for each in several] == several


def test_the_conflict_of_one_customer_does_no_harm_to_the_others(customers: CustomerRepository) -> None:
    old = a_customer("old")
    add(customers, old)
    new, taken = a_customer("new", email_key="new@example.com"), a_customer("other")
    again = a_customer("old", password_hash="$argon2id$2")
    assert customers.add_all([taken, new, again]) == [EmailTaken(), Added(new), Added(old)]
    assert find(customers, "other") is None


def test_of_several_with_one_email_one_is_stored(customers: CustomerRepository) -> None:
    several = [a_customer(f"c{number}") for number in range(5)]
    assert customers.add_all(several) == [Added(several[0]), *[EmailTaken()] * 4]


def test_one_call_tells_which_of_several_ids_and_emails_are_stored(customers: CustomerRepository) -> None:
    customers.add_all([a_customer("c1"), a_customer("c2", email_key="2@example.com")])
    known = customers.find_all(ids=["c2", "c3"], email_keys=["john@example.com", "3@example.com"])
    assert dict(known.customers) == {"c2": a_customer("c2", email_key="2@example.com")}
    assert "john@example.com" in known.emails
    assert "3@example.com" not in known.emails


def test_storing_the_same_customers_again_changes_nothing(mongo_customers: MongoCustomers) -> None:
    several = [a_customer(f"c{number}", email_key=f"{number}@example.com") for number in range(3)]
    mongo_customers.add_all(several)
    assert mongo_customers.add_all(several) == [Added(each) for each in several]


@pytest.mark.parametrize("fields", [{}, {"password_scheme": "bcrypt"}, {"password_scheme": "bcrypt", "origin": "x:1"}])
def test_a_customer_of_an_earlier_release_is_read_with_the_fields_that_it_has(
    customers: CustomerRepository, fields: dict[str, Any]
) -> None:
    add(customers, a_customer(**fields))
    assert find(customers, "c1") == a_customer(**fields)
