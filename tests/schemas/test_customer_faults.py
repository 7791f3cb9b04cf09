"""Faults of a request: all are listed, up to a bound."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from schemas.customer import (
    MAXIMUM_FAULT_BYTES,
)
from tests.schemas.faults import faults_of, fields_of
from tests.support.requests import (
    a_full_address,
    a_request,
    an_address,
    without,
)


def test_every_fault_is_listed_and_not_only_the_first() -> None:
    document = {
        "email": 1,
        "lastName": "",
        "status": "no",
        "tags": ["ok", 2],
        "addresses": [without(an_address(phone="1", address_2=[3]), "city"), 4],
        "extra": {"$gt": ""},
    }
    assert fields_of(document) == [
        "email",
        "password",
        "firstName",
        "lastName",
        "status",
        "tags.1",
        "addresses.0.address_2.0",
        "addresses.0.city",
        "addresses.0.phone",
        "addresses.1",
        "extra",
    ]


@pytest.mark.parametrize(
    "document",
    [
        a_request(**{f"field{number}": 1 for number in range(1500)}),
        a_request(addresses=[{}] * 50),
        a_request(addresses=[{"address_2": [0] * 100}] * 50),
        a_request(**{"\U0001f600" * 100 + str(number): 1 for number in range(1500)}),
    ],
    ids=["unknown fields", "addresses", "address lines", "wide names"],
)
def test_of_very_many_faults_the_first_are_listed_and_the_others_counted(
    document: dict[str, Any],
) -> None:
    *faults, last = faults_of(document)
    size = sum(len(json.dumps(fault, ensure_ascii=False).encode()) for fault in faults)
    assert MAXIMUM_FAULT_BYTES - 1024 < size <= MAXIMUM_FAULT_BYTES
    assert last["field"] == ""
    assert re.fullmatch(r"and [0-9]+ faults more", last["message"])


def test_as_many_faults_as_a_person_makes_by_mistake_are_all_listed() -> None:
    empty = dict.fromkeys(a_full_address(), None)
    faults = faults_of(dict.fromkeys(a_request(), 0) | {"addresses": [empty] * 10, "status": 0, "tags": [0] * 50})
    assert len(faults) == 4 + 10 * len(empty) + 1 + 50


def test_the_fault_of_an_unknown_field_says_that_it_is_unknown() -> None:
    assert faults_of(a_request(nickname="x")) == [{"field": "nickname", "message": "unknown field"}]


def test_the_name_of_an_unknown_field_is_repeated_up_to_128_characters() -> None:
    assert fields_of(a_request(**{"x" * 10_000: 1})) == ["x" * 128]
