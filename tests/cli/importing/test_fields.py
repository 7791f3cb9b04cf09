"""The names of fields that a column can have."""

from __future__ import annotations

import pytest

from cli.importing.mapping.fields import (
    ADDRESS_FIELDS,
    CUSTOMER_FIELDS,
    REQUIRED_ADDRESS_FIELDS,
    REQUIRED_FIELDS,
    Field,
    column_of,
    parse_field,
)
from schemas.customer import Address, CustomerRequest, InvalidRequestError, parse_customer_request


def test_the_fields_are_those_of_the_contract_in_its_order() -> None:
    assert tuple(CustomerRequest.__annotations__) == CUSTOMER_FIELDS
    assert tuple(Address.__annotations__) == ADDRESS_FIELDS


def test_the_required_fields_are_those_of_the_contract() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse_customer_request({"password": "secret", "addresses": [{}]})

    assert [fault["field"] for fault in refused.value.faults] == [
        *REQUIRED_FIELDS,
        *(f"addresses.0.{name}" for name in REQUIRED_ADDRESS_FIELDS),
    ]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("email", Field("email")),
        ("tags", Field("tags")),
        ("tags.0", Field("tags", 0)),
        ("addresses.city", Field("addresses", None, "city")),
        ("addresses.12.city", Field("addresses", 12, "city")),
        ("addresses.0.address_2", Field("addresses", 0, "address_2")),
        ("addresses.0.address_2.1", Field("addresses", 0, "address_2", 1)),
    ],
)
def test_a_dotted_name_means_a_field(text: str, field: Field) -> None:
    assert parse_field(text) == field


@pytest.mark.parametrize(
    "text",
    [
        *("", "Email", "mail", "addresses", "addresses.", "addresses.0", "addresses.0.town", "addresses.x.city"),
        *("tags.x", "tags.", "tags.01", "tags.²", "email.0", "addresses.0.city.0", "addresses.00.city"),
        "addresses.1000.city",
    ],
)
def test_other_names_mean_none(text: str) -> None:
    assert parse_field(text) is None


def test_a_part_of_a_field_comes_from_the_column_of_the_whole() -> None:
    columns = {"tags": "Labels", "addresses.0.city": "Town"}

    assert column_of(columns, "tags.3") == "Labels"
    assert column_of(columns, "addresses.0.city") == "Town"
    assert column_of(columns, "addresses.0.state") is None
