"""What a request may hold. The rules are those of the contract's table."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.customer import (
    Fault,
    InvalidRequestError,
    parse_customer_request,
)
from tests.schemas.faults import faults_of, fields_of
from tests.support.requests import (
    a_full_address,
    a_full_request,
    a_request,
    an_address,
    without,
)

REQUIRED_TEXTS: Final = ("email", "password", "firstName", "lastName")
REQUIRED_ADDRESS_TEXTS: Final = ("name", "firstName", "address_1", "postCode", "city", "state", "country")
OPTIONAL_ADDRESS_TEXTS: Final = ("lastName", "company", "instructions")
NOT_STRINGS: Final[tuple[object, ...]] = (1, 1.5, True, None, [], ["x"], {}, {"$gt": ""}, {"$ne": None})
INVISIBLE: Final = (
    "", " ", "\t\n", "\u00a0", "\u200b\u200d", "\u2028", "\ufe0f", "\u0301", "\u3164", "\u2800", "\uffa0"
)  # fmt: skip


def accepted(document: dict[str, Any]) -> dict[str, Any]:
    """Parse a request that must be accepted. Returns it in the form in which it was sent."""
    parsed: dict[str, Any] = dict(parse_customer_request(document))
    return parsed | {"password": parsed["password"].get_secret_value()}


@pytest.mark.parametrize("document", [a_request(), a_full_request(), a_request(addresses=[an_address()])])
def test_every_documented_argument_is_accepted_as_it_was_sent(document: dict[str, Any]) -> None:
    assert accepted(document) == document


@pytest.mark.parametrize("field", REQUIRED_TEXTS)
def test_a_required_argument_that_is_missing_is_a_fault(field: str) -> None:
    assert faults_of(without(a_request(), field)) == [{"field": field, "message": "Field required"}]


@pytest.mark.parametrize("field", REQUIRED_ADDRESS_TEXTS)
def test_a_required_field_of_an_address_that_is_missing_is_a_fault_with_its_place(field: str) -> None:
    document = a_request(addresses=[an_address(), without(an_address(), field)])
    assert faults_of(document) == [{"field": f"addresses.1.{field}", "message": "Field required"}]


@pytest.mark.parametrize("value", NOT_STRINGS, ids=repr)
@pytest.mark.parametrize("field", [*REQUIRED_TEXTS, "status"])
def test_an_argument_that_must_be_a_string_takes_no_other_type(field: str, value: object) -> None:
    assert fields_of(a_request(**{field: value})) == [field]


@pytest.mark.parametrize("value", NOT_STRINGS, ids=repr)
@pytest.mark.parametrize("field", [*REQUIRED_ADDRESS_TEXTS, *OPTIONAL_ADDRESS_TEXTS])
def test_a_field_of_an_address_that_must_be_a_string_takes_no_other_type(field: str, value: object) -> None:
    assert fields_of(a_request(addresses=[a_full_address(**{field: value})])) == [f"addresses.0.{field}"]


@pytest.mark.parametrize("text", INVISIBLE, ids=ascii)
@pytest.mark.parametrize("field", REQUIRED_TEXTS)
def test_a_required_argument_has_a_visible_character(field: str, text: str) -> None:
    assert fields_of(a_request(**{field: text})) == [field]


@pytest.mark.parametrize("text", INVISIBLE, ids=ascii)
@pytest.mark.parametrize("field", REQUIRED_ADDRESS_TEXTS)
def test_a_required_field_of_an_address_has_a_visible_character(field: str, text: str) -> None:
    assert fields_of(a_request(addresses=[an_address(**{field: text})])) == [f"addresses.0.{field}"]


@pytest.mark.parametrize(
    "name",
    [
        "X",
        " Anna ",
        "José",
        "Jose\u0301",
        "李",
        "O'Brien",
        "👩\u200d👧",
        "\u200f\u05d3\u05d5\u05d3",
        "5",
        "\ufb01",
        "\u3164x",
    ],
)
def test_a_name_is_neither_trimmed_nor_normalised(name: str) -> None:
    assert accepted(a_request(firstName=name))["firstName"] == name


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "abc\x00"], ids=ascii)
@pytest.mark.parametrize("field", [*REQUIRED_TEXTS, "status"])
def test_no_argument_holds_the_nul_character(field: str, text: str) -> None:
    assert fields_of(a_request(**{field: text})) == [field]


@pytest.mark.parametrize("field", [*REQUIRED_ADDRESS_TEXTS, *OPTIONAL_ADDRESS_TEXTS, "address_2"])
def test_no_field_of_an_address_holds_the_nul_character(field: str) -> None:
    assert fields_of(a_request(addresses=[an_address(**{field: "a\x00b"})])) == [f"addresses.0.{field}"]


def test_no_tag_and_no_address_line_holds_the_nul_character() -> None:
    document = a_request(tags=["ok", "\x00"], addresses=[an_address(address_2=["ok", "a\x00"])])
    assert fields_of(document) == ["tags.1", "addresses.0.address_2.1"]


@pytest.mark.parametrize("field", ["firstName", "lastName", "password", "email"])
def test_a_string_has_at_most_1024_characters_of_any_width(field: str) -> None:
    assert accepted(a_request(**{field: "😀" * 1024}))[field] == "😀" * 1024
    assert fields_of(a_request(**{field: "😀" * 1025})) == [field]


@pytest.mark.parametrize("field", [*REQUIRED_ADDRESS_TEXTS, *OPTIONAL_ADDRESS_TEXTS, "address_2"])
def test_a_field_of_an_address_has_at_most_1024_characters(field: str) -> None:
    parse_customer_request(a_request(addresses=[an_address(**{field: "x" * 1024})]))
    assert fields_of(a_request(addresses=[an_address(**{field: "x" * 1025})])) == [f"addresses.0.{field}"]


@pytest.mark.parametrize("status", ["ACTIVE", "INACTIVE"])
def test_a_status_is_active_or_inactive(status: str) -> None:
    assert accepted(a_request(status=status))["status"] == status


@pytest.mark.parametrize("status", ["", "active", "ACTIVE ", "DELETED", None])
def test_no_other_status_is_accepted(status: str | None) -> None:
    assert fields_of(a_request(status=status)) == ["status"]


@pytest.mark.parametrize("tags", [[], [""], ["VIP", "VIP"], ["x" * 1024], ["t"] * 1000])
def test_tags_are_up_to_1000_strings(tags: list[str]) -> None:
    assert accepted(a_request(tags=tags))["tags"] == tags


@pytest.mark.parametrize(
    ("tags", "field"),
    [(["t"] * 1001, "tags"), ("VIP", "tags"), (None, "tags"), ({}, "tags"), ([1], "tags.0"), (["a", None], "tags.1"),
     (["x" * 1025], "tags.0"), ([["a"]], "tags.0"), ([{"$gt": ""}], "tags.0")],
)  # fmt: skip
def test_other_tags_are_a_fault(tags: object, field: str) -> None:
    assert fields_of(a_request(tags=tags)) == [field]


def test_there_are_at_most_50_addresses() -> None:
    assert len(accepted(a_request(addresses=[an_address()] * 50))["addresses"]) == 50
    assert fields_of(a_request(addresses=[an_address()] * 51)) == ["addresses"]


@pytest.mark.parametrize(
    ("addresses", "field"),
    [(None, "addresses"), ({}, "addresses"), ("x", "addresses"), (an_address(), "addresses"), ([None], "addresses.0"),
     (["x"], "addresses.0"), ([[]], "addresses.0")],
)  # fmt: skip
def test_addresses_are_a_list_of_objects(addresses: object, field: str) -> None:
    assert fields_of(a_request(addresses=addresses)) == [field]


@pytest.mark.parametrize("lines", ["", " ", "Number 10", [], [""], ["Floor 3", "Door 7"], ["x"] * 100], ids=repr)
def test_the_second_address_line_comes_back_as_the_string_or_list_that_was_sent(lines: str | list[str]) -> None:
    assert accepted(a_request(addresses=[an_address(address_2=lines)]))["addresses"][0]["address_2"] == lines


@pytest.mark.parametrize(
    ("lines", "field"),
    [(1, "address_2"), (None, "address_2"), ({}, "address_2"), ({"$gt": ""}, "address_2"), ([1], "address_2.0"),
     (["a", None], "address_2.1"), (["x" * 1025], "address_2.0"), (["x"] * 101, "address_2"), ([["a"]], "address_2.0")],
)  # fmt: skip
def test_any_other_second_address_line_is_a_fault_at_its_place(lines: object, field: str) -> None:
    assert fields_of(a_request(addresses=[an_address(address_2=lines)])) == [f"addresses.0.{field}"]


@pytest.mark.parametrize("phone", [0, 1, 2173203531, 999_999_999_999_999])
def test_a_phone_is_an_integer_of_at_most_15_digits(phone: int) -> None:
    assert accepted(a_request(addresses=[an_address(phone=phone)]))["addresses"][0]["phone"] == phone


@pytest.mark.parametrize("phone", [-1, 10**15, 10**18, 1.0, 1e3, "2173203531", True, None, [], {"$gt": 0}], ids=repr)
def test_any_other_phone_is_a_fault(phone: object) -> None:
    assert fields_of(a_request(addresses=[an_address(phone=phone)])) == ["addresses.0.phone"]


@pytest.mark.parametrize("field", ["status", "tags", "addresses"])
def test_null_is_no_way_to_leave_an_argument_out(field: str) -> None:
    assert fields_of(a_request(**{field: None})) == [field]


@pytest.mark.parametrize("field", [*OPTIONAL_ADDRESS_TEXTS, "phone", "address_2"])
def test_null_is_no_way_to_leave_a_field_of_an_address_out(field: str) -> None:
    assert fields_of(a_request(addresses=[an_address(**{field: None})])) == [f"addresses.0.{field}"]


@pytest.mark.parametrize("field", ["id", "Email", "$where", "__proto__", "firstname", "email_key", "", "a.b", "text"])
def test_an_unknown_argument_is_refused_and_not_dropped(field: str) -> None:
    assert fields_of(a_request(**{field: "x"})) == [field]


@pytest.mark.parametrize("field", ["id", "$set", "zip", "Phone", "address_3"])
def test_an_unknown_field_of_an_address_is_refused(field: str) -> None:
    assert fields_of(a_request(addresses=[an_address(**{field: "x"})])) == [f"addresses.0.{field}"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


FIELDS: Final = st.sampled_from([*a_full_request(), "passwordHash", "unknown"])


@given(document=st.dictionaries(FIELDS | st.text(), JSON))
def test_any_json_object_is_accepted_or_refused_with_faults(document: dict[str, Any]) -> None:
    faults: list[Fault] | None = None
    try:
        parse_customer_request(document)
    except InvalidRequestError as error:
        faults = error.faults
    assert faults is None or json.loads(json.dumps(faults)) == faults != []
