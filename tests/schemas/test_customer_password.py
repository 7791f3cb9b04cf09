"""The password of a request, and the hash in its place; neither is ever repeated."""

from __future__ import annotations

import traceback
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.customer import (
    InvalidRequestError,
    parse_customer_request,
)
from tests.schemas.faults import faults_of, fields_of
from tests.support.requests import (
    CANARY,
    a_full_request,
    a_password_hash,
    a_request,
    an_address,
    an_import,
    without,
)

NOT_STRINGS: Final[tuple[object, ...]] = (1, 1.5, True, None, [], ["x"], {}, {"$gt": ""}, {"$ne": None})


@pytest.mark.parametrize("password", ["", "x" * 1025, "x" * 5000])
def test_a_password_of_the_wrong_length_gets_the_same_fault_as_any_other_string(password: str) -> None:
    assert faults_of(a_request(password=password)) == [
        fault | {"field": "password"} for fault in faults_of(a_request(firstName=password))
    ]


def test_a_hash_of_another_system_stands_in_place_of_the_password() -> None:
    sent = an_import(a_password_hash())
    parsed = parse_customer_request(sent)
    assert "password" not in parsed
    assert parsed["passwordHash"].get_secret_value() == sent["passwordHash"]


def test_a_password_and_a_hash_together_are_a_fault() -> None:
    assert faults_of(an_import(a_password_hash(), password="x")) == [
        {"field": "passwordHash", "message": "must not stand beside password"}
    ]


def test_neither_password_nor_hash_is_a_missing_password() -> None:
    assert faults_of(without(an_import("x", firstName="", email=1), "passwordHash")) == [
        {"field": "email", "message": "Input should be a valid string"},
        {"field": "password", "message": "Field required"},
        {"field": "firstName", "message": "String should have at least 1 character"},
    ]


@pytest.mark.parametrize(
    "value", [*NOT_STRINGS, "", "x", "x" * 1025, CANARY, "\x00", "5f4dcc3b5aa765d61d8327deb882cf99"]
)
def test_any_other_hash_is_a_fault_of_its_field(value: object) -> None:
    document = a_request(passwordHash=value, email=1, password=2, firstName=3)
    assert fields_of(document) == ["email", "password", "passwordHash", "passwordHash", "firstName"]
    assert fields_of(without(document, "password", "email", "firstName")) == [
        "email",
        "passwordHash",
        "firstName",
    ]


def test_any_hash_of_a_caller_who_may_not_import_is_a_fault_beside_all_others() -> None:
    for value in (a_password_hash(), "x", 1):
        for password in ({}, {"password": "x"}):
            with pytest.raises(InvalidRequestError) as caught:
                parse_customer_request(an_import(value, lastName="", **password), may_import=False)
            assert caught.value.faults == [
                {"field": "passwordHash", "message": "needs a token with the scope customer:import"},
                {"field": "lastName", "message": "String should have at least 1 character"},
            ]


def test_a_caller_who_may_not_import_may_send_a_password() -> None:
    assert "password" in parse_customer_request(a_request(), may_import=False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


FIELDS: Final = st.sampled_from([*a_full_request(), "passwordHash", "unknown"])


@given(
    changes=st.dictionaries(FIELDS.filter(lambda name: name not in {"password", "passwordHash"}), JSON),
    field=st.sampled_from(["password", "passwordHash"]),
    password=st.sampled_from(
        [CANARY, CANARY + "\x00", CANARY * 100, [CANARY], {"$gt": CANARY}, {CANARY: CANARY}, [{"a": [CANARY]}]]
    ),
)
def test_no_password_and_no_hash_is_ever_in_a_fault_a_repr_or_an_exception(
    changes: dict[str, Any], field: str, password: object
) -> None:
    document = without(a_full_request(**changes), "password") | {field: password}
    try:
        shown = repr(parse_customer_request(document))
    except InvalidRequestError as error:
        shown = f"{error.faults!r} {error!r} {error}" + "".join(traceback.format_exception(error))
    assert CANARY not in shown


@given(changes=st.dictionaries(FIELDS.filter(lambda name: name != "passwordHash"), JSON), after=st.text(max_size=4))
def test_no_good_or_damaged_hash_is_ever_in_a_fault_a_repr_or_an_exception(changes: dict[str, Any], after: str) -> None:
    password_hash = "$2b$04$" + "canary" * 8 + "canar"
    try:
        shown = repr(parse_customer_request(a_full_request(**changes, passwordHash=password_hash + after)))
    except InvalidRequestError as error:
        shown = f"{error.faults!r} {error!r} {error}" + "".join(traceback.format_exception(error))
    assert "canary" * 2 not in shown


def test_a_password_in_the_wrong_field_is_not_repeated_either() -> None:
    document = a_request(status=CANARY, tags=CANARY, addresses=[an_address(phone=CANARY, address_2={"x": CANARY})])
    faults = faults_of(document)
    assert [fault["field"] for fault in faults] == ["status", "tags", "addresses.0.address_2", "addresses.0.phone"]
    assert CANARY not in repr(faults)
