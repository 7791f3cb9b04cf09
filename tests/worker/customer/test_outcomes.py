"""The outcome of one accepted task: the customer, or a documented error."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher

from tests.support.requests import (
    CANARY,
    a_full_address,
    a_full_request,
    a_password_hash,
    a_request,
    an_address,
    an_import,
    as_body,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    import redis

    from tests.worker.customer.intake import Intake


def everything_in(client: redis.Redis) -> list[Any]:
    """Every key of Redis with its value."""
    reads: dict[Any, Callable[[Any], Any]] = {
        b"hash": client.hgetall,
        b"string": client.get,
        b"list": partial(client.lrange, start=0, end=-1),
    }
    return [(key, reads.get(client.type(key), client.dump)(key)) for key in client.scan_iter()]


def test_a_customer_is_created_and_answered_as_it_was_sent_and_has_ids(intake: Intake) -> None:
    answer = intake.answer(a_full_request(addresses=[a_full_address(), an_address(address_2=["", "x"])]))
    assert answer["ok"] is True
    customer = answer["customer"]
    assert len(customer.pop("id")) == 17
    assert [len(address.pop("id")) for address in customer["addresses"]] == [11, 11]
    sent = a_full_request(addresses=[a_full_address(), an_address(address_2=["", "x"])])
    del sent["password"]
    assert customer == sent


def test_arguments_that_were_not_sent_have_the_documented_defaults(intake: Intake) -> None:
    customer = intake.answer(a_request())["customer"]
    assert (customer["status"], customer["tags"], customer["addresses"]) == ("ACTIVE", [], [])


def test_the_stored_password_is_a_hash_of_exactly_the_password_that_was_sent(intake: Intake) -> None:
    intake.answer(a_request(password=" pass 😀\u0301 "))
    (stored,) = intake.customers.all()
    assert stored["password_hash"].startswith("$argon2id$")
    assert PasswordHasher().verify(stored["password_hash"], " pass 😀\u0301 ")


def test_the_password_can_be_read_nowhere(intake: Intake, capfd: pytest.CaptureFixture[str]) -> None:
    created, refused = intake.accept(as_body(a_request())), intake.accept(as_body(a_request(status=1)))
    shown = repr(everything_in(intake.client))
    intake.run_one(created)
    intake.run_one(refused)
    shown += repr(everything_in(intake.client))
    assert created in shown
    assert CANARY not in shown
    assert CANARY not in repr(intake.customers.all())
    assert CANARY not in "".join(capfd.readouterr())


# The documented errors, in their order


def test_a_request_that_is_not_as_documented_is_told_every_fault(intake: Intake) -> None:
    assert intake.answer({"email": "a@b.example", "password": "x", "lastName": 1}) == {
        "ok": False,
        "error": "validation_error",
        "data": {
            "errors": [
                {"field": "firstName", "message": "Field required"},
                {"field": "lastName", "message": "Input should be a valid string"},
            ]
        },
    }


def test_an_invalid_email_is_an_outcome(intake: Intake) -> None:
    assert intake.answer(a_request(email="nobody@")) == {
        "ok": False,
        "error": "customer_invalid_email",
        "data": {"email": "nobody@"},
    }


def test_a_wrong_country_in_the_second_of_two_addresses_stores_nothing(intake: Intake) -> None:
    assert intake.answer(a_request(addresses=[an_address(), an_address(country="UK")])) == {
        "ok": False,
        "error": "address_contry_invalid",
        "data": {"address": "UK", "field": "addresses.1.country"},
    }
    assert intake.customers.all() == []


def test_an_email_that_another_customer_has_in_any_case_is_an_outcome(intake: Intake) -> None:
    first = intake.answer(a_request())
    assert intake.answer(a_request(email="JOHN.DOE@EXAMPLE.COM", firstName="Jane")) == {
        "ok": False,
        "error": "duplicate_key",
        "data": {"index": "email", "key": {"email": "JOHN.DOE@example.com"}},
    }
    assert [customer["id"] for customer in intake.customers.all()] == [first["customer"]["id"]]


def test_where_several_errors_hold_the_first_in_the_documented_order_is_the_outcome(intake: Intake) -> None:
    intake.answer(a_request())
    document = a_request(tags=1, addresses=[an_address(country="UK")])
    assert intake.answer(document | {"email": "nobody"})["error"] == "validation_error"
    document["tags"] = []
    assert intake.answer(document | {"email": "nobody"})["error"] == "customer_invalid_email"
    assert intake.answer(document)["error"] == "address_contry_invalid"
    document["addresses"] = [an_address()]
    assert intake.answer(document)["error"] == "duplicate_key"


def test_a_password_below_the_set_minimum_is_a_validation_error_that_does_not_repeat_it(intake: Intake) -> None:
    intake.minimum_password_characters = len(CANARY) + 1
    answer = intake.answer(a_request())
    assert (answer["error"], answer["data"]["errors"][0]["field"]) == ("validation_error", "password")
    assert CANARY not in repr(answer)
    intake.minimum_password_characters = len(CANARY)
    assert intake.answer(a_request())["ok"] is True


def test_the_minimum_length_of_passwords_does_not_apply_to_hashes(intake: Intake) -> None:
    intake.minimum_password_characters = 500
    password_hash = a_password_hash()
    answer = intake.answer(an_import(password_hash))
    assert answer["ok"] is True
    assert "ash" not in repr(answer)
    (stored,) = intake.customers.all()
    assert (stored["password_hash"], stored["password_scheme"]) == (password_hash, "pbkdf2-sha256")


def test_an_imported_hash_can_be_read_only_in_the_stored_customer(
    intake: Intake, capfd: pytest.CaptureFixture[str]
) -> None:
    password_hash = a_password_hash()
    digest = password_hash.rpartition("$")[2]
    created = intake.accept(as_body(an_import(password_hash)))
    refused = [
        intake.accept(as_body(an_import(password_hash, status=1))),
        intake.accept(as_body(an_import(password_hash, password="x"))),
        intake.accept(as_body(an_import(f"{password_hash}x"))),
        intake.accept(as_body(an_import(digest))),
    ]
    shown = repr(everything_in(intake.client))
    intake.run(created, *refused)
    shown += repr(everything_in(intake.client))
    assert [intake.outcome(each)["ok"] for each in (created, *refused)] == [True, False, False, False, False]
    assert digest[:20] not in shown + "".join(capfd.readouterr())
    assert digest in repr(intake.customers.all())
