"""What absent fields get, and passwords that are made."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from cli.importing.mapping.columns import UnknownFieldError
from cli.importing.mapping.conversions.defaults import Defaults
from cli.importing.mapping.initial_passwords import initial_password, read_or_make_key
from tests.cli.importing.plans import customers, rows_of, written

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"0123456789abcdef0123456789abcdef"


def filled(customer: dict[str, Any], **defaults: str) -> dict[str, Any]:
    Defaults({name.replace("__", "."): text for name, text in defaults.items()}).fill(customer)
    return customer


def test_an_absent_field_gets_the_text() -> None:
    assert filled({"email": "a"}, lastName="-") == {"email": "a", "lastName": "-"}
    assert filled({"lastName": ""}, lastName="-") == {"lastName": "-"}
    assert filled({"lastName": "Null"}, lastName="-") == {"lastName": "Null"}
    assert filled({"lastName": None}, lastName="-") == {"lastName": None}


def test_a_default_of_an_address_is_for_each_address_and_makes_none() -> None:
    addresses = [{"city": "Bern"}, {"city": "Rome", "state": "RM"}]

    assert filled({"addresses": addresses}, addresses__state="-") == {
        "addresses": [{"city": "Bern", "state": "-"}, {"city": "Rome", "state": "RM"}]
    }
    assert filled({}, addresses__state="-") == {}
    assert filled({"addresses": [{}]}, addresses__1__state="-") == {"addresses": [{}]}
    assert filled({"addresses": [{}, {}]}, addresses__1__state="-") == {"addresses": [{}, {"state": "-"}]}


def test_a_text_may_name_other_fields() -> None:
    customer = {"firstName": "Jane", "addresses": [{"city": "Bern"}, {"phone": 7}]}

    assert filled(customer, lastName="({firstName})", addresses__name="{firstName} {lastName}, {addresses.city}") == {
        "firstName": "Jane",
        "lastName": "(Jane)",
        "addresses": [{"city": "Bern", "name": "Jane (Jane), Bern"}, {"phone": 7}],
    }
    assert filled({"addresses": [{"phone": 7}]}, lastName="{addresses.0.phone}{}")["lastName"] == "7{}"


def test_a_text_that_names_what_the_row_lacks_fills_nothing() -> None:
    assert filled({"email": "a"}, lastName="{firstName}") == {"email": "a"}
    assert filled({"addresses": "none"}, lastName="{addresses.0.city}", addresses__city="-") == {"addresses": "none"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        *(("surname", "-"), ("password", "-"), ("passwordHash", "-"), ("tags.0", "-"), ("lastName", "{surname}")),
        *(("lastName", "{password}"), ("addresses.name", "{passwordHash}"), ("addresses.0.address_2.0", "-")),
    ],
)
def test_no_default_is_for_a_password_or_from_one(path: str, text: str) -> None:
    with pytest.raises(UnknownFieldError, match="--default"):
        Defaults({path: text})


def test_defaults_are_converted_as_values_of_the_file_are(tmp_path: Path) -> None:
    path = written(tmp_path / "customers.csv", "email,addresses.0.city\na@example.com,Bern\n")
    defaults = {"tags": "a,b", "addresses.phone": "+41 1", "addresses.country": "Switzerland"}

    assert customers(rows_of(path, defaults=defaults, country_names=True)) == [
        {
            "email": "a@example.com",
            "tags": ["a", "b"],
            "addresses": [{"city": "Bern", "country": "CH", "phone": 411}],
        }
    ]


def test_customers_without_a_password_get_an_initial_one(tmp_path: Path) -> None:
    objects = [
        {"email": "Jane@Example.com"},
        {"email": "b@example.com", "password": "secret"},
        {"email": "c@example.com", "passwordHash": "$2b$"},
        {"email": "d@example.com", "password": "", "passwordHash": None},
        {"password": None},
    ]
    path = written(tmp_path / "customers.json", json.dumps(objects))

    rows = customers(rows_of(path, initial_password_key=KEY))

    assert rows == [
        {"email": "Jane@Example.com", "password": initial_password(KEY, "jane@example.com")},
        *objects[1:3],
        {"email": "d@example.com", "password": initial_password(KEY, "d@example.com")},
        {"password": None},
    ]


def test_an_initial_password_is_the_same_in_each_run_and_another_for_each_email_and_key() -> None:
    password = initial_password(KEY, "jane@example.com")

    assert password == "5U7NgoXe_Vx6A_kCXbqAmGIi"
    assert (
        len({password, initial_password(KEY, "joe@example.com"), initial_password(b"x" * 32, "jane@example.com")}) == 3
    )


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "key"

    key = read_or_make_key(path)

    assert read_or_make_key(path) == key
    assert len(key) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_or_make_key(tmp_path / "other") != key


def test_a_secret_that_others_may_read_or_that_is_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(KEY)
    path.chmod(0o640)
    with pytest.raises(ValueError, match="others may read"):
        read_or_make_key(path)

    path.write_text("short\n")
    path.chmod(0o600)
    with pytest.raises(ValueError, match="fewer than 32 characters"):
        read_or_make_key(path)

    with pytest.raises(OSError, match="directory"):
        read_or_make_key(tmp_path)
