"""A file of refused rows is submitted again: its own names are not sent, and its passwords come from the original."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.importing.options import ImportOptions
from cli.importing.plan import make_plan
from cli.importing.reading.errors import WrongInputError
from cli.importing.reading.input_file import InputFile
from tests.cli.importing.plans import customers, faults, refusal, resent, rows_of, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def original(tmp_path: Path) -> Path:
    text = "email,password,firstName\n" + "".join(
        f"{number}@example.com,secret {number},Jane {number}\n" for number in range(1, 10)
    )
    return written(tmp_path / "customers.csv", text)


@pytest.fixture
def failed(tmp_path: Path) -> Path:
    return tmp_path / "failed.csv"


def test_its_own_names_are_never_sent_and_numbers_are_those_of_this_file(failed: Path) -> None:
    written(failed, "_line,_error,_reason,email,password\n17,validation_error,why,a@example.com,secret\n")

    rows = rows_of(failed)

    assert customers(rows) == [{"email": "a@example.com", "password": "secret"}]
    assert rows[0].number == 2


def test_it_is_known_by_its_names(failed: Path, original: Path) -> None:
    written(failed, '{"_line": 3, "_error": "x", "_reason": "y", "email": "a@example.com", "password": "s"}\n')

    for path, is_failed in ((failed, True), (original, False)):
        with InputFile(path) as source:
            plan = make_plan(source, ImportOptions())
            assert (plan.is_failed_file, plan.is_plain) == (is_failed, False)


def test_passwords_come_from_the_original(failed: Path, original: Path) -> None:
    written(
        failed,
        "_line,_error,_reason,email,firstName,tags\n3,e,r,new@example.com,Jane 2,\n9,e,r,8@example.com,Joe,x\n",
    )

    assert customers(resent(failed, original)) == [
        {"email": "new@example.com", "password": "secret 2", "firstName": "Jane 2"},
        {"email": "8@example.com", "password": "secret 8", "firstName": "Joe", "tags": ["x"]},
    ]


def test_a_password_that_was_filled_in_and_a_row_that_was_added_stay(failed: Path, original: Path) -> None:
    written(
        failed,
        "_line,email,firstName,password\n3,2@example.com,Jane,mine\n4,3@example.com,Jane,\n,x@example.com,X,own\n",
    )

    assert [customer["password"] for customer in customers(resent(failed, original))] == ["mine", "secret 3", "own"]


def test_a_password_does_not_come_to_another_customer(failed: Path, original: Path) -> None:
    written(failed, "_line,email,firstName\n3,2@example.com,Jane\n4,9@example.com,Jane 9\n99,7@example.com,Jane\n")

    assert faults(resent(failed, original)) == [
        (3, "", "it has nothing in common with the row of its _line in the file with the passwords"),
        (4, "", "its _line is no row of the file with the passwords"),
    ]


@pytest.mark.parametrize(("lines", "words"), [((4, 3), "not larger"), ((3, 3), "not larger"), ((2, "x"), "no number")])
def test_numbers_must_rise(failed: Path, original: Path, lines: tuple[object, object], words: str) -> None:
    rows = [(line, f"{int(str(line)) - 1 if line != 'x' else 1}@example.com") for line in lines]
    written(failed, "_line,email\n" + "".join(f"{line},{email}\n" for line, email in rows))

    with pytest.raises(WrongInputError, match=words):
        resent(failed, original)


def test_json_lines_get_their_passwords_back(failed: Path, tmp_path: Path) -> None:
    original = written(
        tmp_path / "customers.jsonl",
        b'{"email":"a@example.com","password":"secret a","n":1}\n{"email":"b@","password":"secret b","n":2}\n',
    )
    written(failed, '{"_line": 2, "_error": "x", "_reason": "y", "email": "b@example.com", "n": 2}\n')

    assert customers(resent(failed, original)) == [{"email": "b@example.com", "password": "secret b", "n": 2}]


def test_it_is_refused_as_a_whole_without_passwords(failed: Path) -> None:
    told = refusal(written(failed, "_line,_error,_reason,email\n3,e,r,a@example.com\n"))

    assert "never has passwords or hashes" in told
    assert "--passwords-from ORIGINAL" in told


@pytest.mark.parametrize(
    "options",
    [{"mapping": {"passwordHash": "Password"}}, {"initial_password_key": b"k" * 32}],
    ids=["with a column that was left out", "with initial passwords"],
)
def test_no_option_makes_it_whole_without_the_original(options: dict[str, Any], failed: Path) -> None:
    """An initial password would take the place of a hash that the original has."""
    told = refusal(written(failed, "_line,_error,_reason,email\n3,e,r,a@example.com\n"), **options)

    assert "--passwords-from ORIGINAL" in told


def test_it_is_enough_where_the_product_exports_no_passwords(failed: Path) -> None:
    written(failed, "_line,_error,_reason,Email,First Name,Last Name\n3,e,r,a@example.com,A,B\n")

    (customer,) = customers(rows_of(failed, preset="shopify", initial_password_key=b"k" * 32))

    assert customer["password"]


def test_passwords_from_an_original_go_with_a_failed_file_only(original: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other.csv", "email\na@example.com\n")

    with InputFile(other) as source, InputFile(original) as secrets_from, pytest.raises(WrongInputError, match="_line"):
        make_plan(source, ImportOptions(), secrets_from=secrets_from)


def test_a_plan_takes_the_original_later_too(failed: Path, original: Path) -> None:
    written(failed, "_line,email,firstName,password\n3,2@example.com,Jane 2,\n4,3@example.com,Jane 3,mine\n")

    with InputFile(failed) as source, InputFile(original) as secrets_from:
        plan = make_plan(source, ImportOptions()).with_secrets_from(secrets_from)
        passes = [list(plan.rows(source.content())) for _ in range(2)]

    assert passes[0] == passes[1]
    assert [customer["password"] for customer in customers(passes[0])] == ["secret 2", "mine"]


def test_objects_get_their_secrets_back_wherever_they_are(failed: Path, tmp_path: Path) -> None:
    def an_object(number: int, **login: Any) -> dict[str, Any]:
        return {"email": f"{number}@example.com", "firstName": "Jane", "login": {"kind": "x", **login}}

    original = written(
        tmp_path / "customers.json", json.dumps([an_object(number, hash=f"hash {number}") for number in range(1, 5)])
    )
    written(failed, json.dumps([{"_line": 2, "_error": "e", **an_object(2)}, {"_line": 4, **an_object(4, hash="own")}]))

    rows = resent(failed, original, mapping={"passwordHash": "login.hash"})

    assert [(row.number, customer["passwordHash"]) for row, customer in zip(rows, customers(rows), strict=True)] == [
        (1, "hash 2"),
        (2, "own"),
    ]
    assert rows[0].records[0].values["login"] == {"kind": "x", "hash": "hash 2"}


def test_columns_that_hold_or_may_hold_a_secret_are_named(failed: Path) -> None:
    written(failed, "email,Kennwort,Hash,Salt (old),Notes\na@example.com,x,,y,z\n")

    with InputFile(failed) as source:
        plan = make_plan(source, ImportOptions(mapping={"password": "Kennwort"}, ignore_other_columns=True))

    assert plan.secret_columns == {"Kennwort", "Hash", "Salt (old)", "password", "passwordHash"}
