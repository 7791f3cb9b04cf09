"""A field with a wrong value gets the answer that the contract names, and never a 5xx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.service import an_email
from tests.support.requests import a_full_address, a_full_request, a_request, an_address, as_body

if TYPE_CHECKING:
    from tests.contract.service import Service


_WRONG_VALUES: Final[dict[str, Any]] = {
    "null": None,
    "true": True,
    "number": 1,
    "fraction": 1.5,
    "empty": "",
    "spaces": "  ",
    "invisible": "\u200b\u3164",
    "NUL": "a\x00b",
    "too long": "x" * 1025,
    "array": ["x"],
    "object": {"x": "y"},
    "operator": {"$gt": ""},
    "where": {"$where": "sleep(1000)"},
}
_TEXTS: Final = ("email", "password", "firstName", "lastName", "status")
_ADDRESS_TEXTS: Final = ("name", "firstName", "address_1", "postCode", "city", "state", "country")
_OPTIONAL_ADDRESS_TEXTS: Final = ("lastName", "company", "instructions")
_MAY_BE_EMPTY: Final = {"empty", "spaces", "invisible"}


def _is_the_one_fault(service: Service, document: dict[str, Any], *fields: str) -> None:
    answer = service.outcome(document)
    assert (answer["ok"], answer["error"]) == (False, "validation_error")
    assert {fault["field"] for fault in answer["data"]["errors"]} == set(fields)
    assert all(fault["message"] for fault in answer["data"]["errors"])


@pytest.mark.parametrize("value", _WRONG_VALUES.values(), ids=_WRONG_VALUES.keys())
def test_where_every_required_field_has_a_wrong_value_each_field_is_named(service: Service, value: Any) -> None:
    document = a_request(**dict.fromkeys(_TEXTS, value), addresses=[an_address(**dict.fromkeys(_ADDRESS_TEXTS, value))])

    _is_the_one_fault(service, document, *_TEXTS, *(f"addresses.0.{name}" for name in _ADDRESS_TEXTS))


@pytest.mark.parametrize("value", [value for name, value in _WRONG_VALUES.items() if name not in _MAY_BE_EMPTY])
def test_where_every_optional_text_has_a_wrong_value_each_field_is_named(service: Service, value: Any) -> None:
    address = a_full_address(**dict.fromkeys(_OPTIONAL_ADDRESS_TEXTS, value))

    _is_the_one_fault(
        service, a_request(addresses=[address]), *(f"addresses.0.{name}" for name in _OPTIONAL_ADDRESS_TEXTS)
    )


@pytest.mark.parametrize(
    "phone", [None, True, "2173203531", 1.5, 1.0, -1, 10**15, 10**18, 10**19, -(10**30), [1], {"$gt": 1}], ids=repr
)
def test_a_phone_that_is_no_integer_of_15_digits_is_refused(service: Service, phone: Any) -> None:
    _is_the_one_fault(service, a_request(addresses=[an_address(phone=phone)]), "addresses.0.phone")


@pytest.mark.parametrize(
    "digits", ["9" * 20, "-" + "9" * 20, "9" * 5_000, "9" * 100_000, "1e400", "-1e999999", "1.0e400"]
)
def test_a_number_of_any_size_as_a_phone_is_a_fault_of_the_field(service: Service, digits: str) -> None:
    body = as_body(a_request(addresses=[an_address(), an_address(phone=1001)])).replace(
        b'"phone": 1001', f'"phone": {digits}'.encode()
    )

    response = service.post(body, {"prefer": "wait=20"})

    answer = response.json()
    assert (response.status_code, answer["ok"], answer["error"]) == (200, False, "validation_error")
    assert [fault["field"] for fault in answer["data"]["errors"]] == ["addresses.1.phone"]


@pytest.mark.parametrize("digits", ["9" * 20, "9" * 40_000, "-1e999999"])
def test_a_number_of_any_size_in_a_field_for_text_is_a_fault_of_the_field(service: Service, digits: str) -> None:
    texts = {"firstName": 1001, "status": 1001, "tags": ["a", 1001], "nickname": {"a": [1001]}}
    body = as_body(a_request(**texts, addresses=[an_address(address_2=1001)])).replace(b"1001", digits.encode())

    response = service.post(body, {"prefer": "wait=20"})

    assert response.status_code == 200
    fields = [fault["field"] for fault in response.json()["data"]["errors"]]
    assert sorted(fields) == ["addresses.0.address_2", "firstName", "nickname", "status", "tags.1"]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, ""),
        (1, ""),
        ({"$ne": 1}, ""),
        (["a", 1], ".1"),
        (["a", None], ".1"),
        ([["a"]], ".0"),
        (["a\x00"], ".0"),
        ("a\x00", ""),
        ("x" * 1025, ""),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_an_address_2_that_is_neither_text_nor_texts_is_refused(service: Service, value: Any, field: str) -> None:
    _is_the_one_fault(service, a_request(addresses=[an_address(address_2=value)]), f"addresses.0.address_2{field}")


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, "tags"),
        ("VIP", "tags"),
        ({"$push": "x"}, "tags"),
        ([1], "tags.0"),
        (["a", None], "tags.1"),
        (["a\x00"], "tags.0"),
        (["a"] * 1001, "tags"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_tags_that_are_no_list_of_texts_are_refused(service: Service, value: Any, field: str) -> None:
    _is_the_one_fault(service, a_request(tags=value), field)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, "addresses"),
        ({}, "addresses"),
        (an_address(), "addresses"),
        ([None], "addresses.0"),
        (["Work"], "addresses.0"),
        ([[]], "addresses.0"),
        ([an_address()] * 51, "addresses"),
        ([an_address(), an_address(id="mine")], "addresses.1.id"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_addresses_that_are_no_list_of_addresses_are_refused(service: Service, value: Any, field: str) -> None:
    _is_the_one_fault(service, a_request(addresses=value), field)


@pytest.mark.parametrize("name", ["_id", "id", "$set", "ok", "email_key", "Email", "", "a.b", "\x00", "__proto__"])
def test_a_field_that_nobody_documented_is_refused(service: Service, name: str) -> None:
    _is_the_one_fault(service, a_full_request(email=an_email(), **{name: "x"}), name)


@pytest.mark.parametrize("status", ["active", "DELETED", "ACTIVE "])
def test_a_status_that_is_not_documented_is_refused(service: Service, status: str) -> None:
    _is_the_one_fault(service, a_request(status=status), "status")


def test_a_country_wrong_in_the_second_of_two_addresses_is_told_with_its_place(service: Service) -> None:
    answer = service.outcome(a_request(email=an_email(), addresses=[an_address(), an_address(country="XX")]))

    assert answer == {
        "ok": False,
        "error": "address_contry_invalid",
        "data": {"address": "XX", "field": "addresses.1.country"},
    }


@pytest.mark.parametrize("country", ["us", "USA", "UK", "AN", "ZZ", "840", "United States", "U", "\uff35\uff33", "US "])
def test_a_country_that_is_no_code_in_force_is_refused(service: Service, country: str) -> None:
    answer = service.outcome(a_request(email=an_email(), addresses=[an_address(country=country)]))

    assert (answer["error"], answer["data"]) == (
        "address_contry_invalid",
        {"address": country, "field": "addresses.0.country"},
    )


@pytest.mark.parametrize(
    "email",
    [
        *("john", "john@", "@example.com", "a@b@example.com", "a b@example.com", "a@-x.com", "a@" + "x" * 64 + ".com"),
        *("x" * 65 + "@example.com", "a@example..com", "a@[127.0.0.1]", "a@example.com\n", "John <a@example.com>"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_an_email_of_an_invalid_format_is_told_as_it_was_sent(service: Service, email: str) -> None:
    answer = service.outcome(a_request(email=email))

    assert answer == {"ok": False, "error": "customer_invalid_email", "data": {"email": email}}
