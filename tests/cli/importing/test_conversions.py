"""Values that are converted, and those that cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pycountry
import pytest

from cli.importing.mapping.conversions.countries import UnknownCountryError, country_code
from cli.importing.mapping.conversions.odd_passwords import LOOKS_LIKE_HASH, looks_like_hash
from cli.importing.mapping.conversions.phones import DROPPED, BadPhoneError, phone_number
from tests.cli.importing.plans import customers, faults, rows_of, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2173203531", 2173203531),
        ("+1 (217) 320-3531", 12173203531),
        ("+44 (0)20 7946.0958", 442079460958),
        ("0049-(0)30.123", 4930123),
        ("+1 212 5 (0) 1", 1212501),
        ("031/123 45\u00a067", 311234567),
        ("'+49 30 123", 4930123),
        ("2173203531.0", 2173203531),
        ("123456789012345", 123456789012345),
        (12, 12),
        (None, None),
        (True, True),
    ],
)
def test_a_phone_becomes_an_integer(text: object, number: object) -> None:
    assert phone_number(text) == number


@pytest.mark.parametrize("text", ["1234567890123456", "none", "-", "12 x 3", "٣٤٥", "4.9E+11", "1,5", "12a", "²"])
def test_what_can_be_no_integer_is_a_fault(text: str) -> None:
    with pytest.raises(BadPhoneError):
        phone_number(text)


def test_a_phone_that_can_be_no_integer_is_left_out_by_option(tmp_path: Path) -> None:
    text = "email,City,Tel\na@example.com,Bern,unknown\nb@example.com,Bern,12\n"
    path = written(tmp_path / "customers.csv", text)
    mapping = {"addresses.0.phone": "Tel", "addresses.0.city": "City"}

    refused = rows_of(path, mapping=mapping)
    rows = rows_of(path, mapping=mapping, drop_bad_phones=True)

    assert faults(refused) == [(2, "Tel", "is no phone that can be an integer of at most 15 digits")]
    assert customers(rows)[0]["addresses"] == [{"city": "Bern"}]
    assert [row.warnings for row in rows] == [(DROPPED,), ()]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(("Germany", "DE"), ("GERMANY", "DE"), (" Federal Republic of Germany ", "DE"), ("de", "DE")),
        *(("Viet Nam", "VN"), ("Vietnam", "VN"), ("Côte d'Ivoire", "CI"), (None, None)),
    ],
)
def test_an_exact_name_of_a_country_becomes_its_code(text: object, code: object) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize("text", ["Deutschland", "Germny", "The Netherlands", "England", "UK", "", "Korea"])
def test_no_country_is_guessed(text: str) -> None:
    with pytest.raises(UnknownCountryError, match="exact name"):
        country_code(text)


@pytest.mark.parametrize("text", ["Kosovo", "Republic of Kosovo", "XK"])
def test_kosovo_is_told_to_have_no_code(text: str) -> None:
    with pytest.raises(UnknownCountryError, match="Kosovo"):
        country_code(text)


def test_every_name_of_the_standard_has_a_code() -> None:
    assert {country_code(country.name) for country in pycountry.countries} == {
        country.alpha_2 for country in pycountry.countries
    }


def test_countries_are_converted_by_option_only(tmp_path: Path) -> None:
    path = written(tmp_path / "customers.csv", "email,addresses.0.country\na@example.com,Kosovo\nb@example.com,Chad\n")

    assert customers(rows_of(path))[0]["addresses"] == [{"country": "Kosovo"}]
    rows = rows_of(path, country_names=True)
    assert customers(rows[1:])[0]["addresses"] == [{"country": "TD"}]
    ((number, column, message),) = faults(rows)
    assert (number, column) == (2, "addresses.0.country")
    assert "no code in ISO 3166-1" in message


@pytest.mark.parametrize(
    "password",
    [
        "$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "{SSHA}hpLYFzbWYdGCm2uDA0Vrk1tkkgdYYWxh5A==",
        "$P$984478476IagS59wHZvyQMArzfx58u.",
    ],
)
def test_a_password_that_looks_like_a_hash_is_sent_with_a_warning(tmp_path: Path, password: str) -> None:
    path = written(tmp_path / "customers.csv", f"email,password\na@example.com,{password}\nb@example.com,secret\n")

    rows = rows_of(path)

    assert customers(rows)[0]["password"] == password
    assert [row.warnings for row in rows] == [(LOOKS_LIKE_HASH,), ()]


@pytest.mark.parametrize("password", ["", "correct horse battery staple, and then some", "x" * 600, None, 7, "$" * 40])
def test_other_passwords_do_not(password: object) -> None:
    assert not looks_like_hash(password)


def test_a_hash_in_another_spelling_is_translated(tmp_path: Path) -> None:
    bcrypt = "$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m"
    path = written(tmp_path / "customers.csv", f"email,Hash\na@example.com,{{bcrypt}}{bcrypt}\n")

    assert customers(rows_of(path, mapping={"passwordHash": "Hash"}))[0]["passwordHash"] == bcrypt
