"""A wrong file is refused as a whole, before anything is sent."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING

import pytest

from cli.importing.options import ImportOptions
from cli.importing.plan import make_plan
from cli.importing.reading.errors import WrongInputError
from cli.importing.reading.input_file import STDIN, InputFile
from tests.cli.importing.plans import faults, refusal, rows_of, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cli.importing.records import ImportRow

BAD_PHONE = "is no phone that can be an integer of at most 15 digits"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "customers.csv"


def phones(*texts: str) -> str:
    columns = "email,password,firstName,lastName,addresses.0.phone"
    return "".join([f"{columns}\n", *(f"a@example.com,secret,Jane,Doe,{text}\n" for text in texts)])


def test_a_file_whose_first_rows_cannot_be_read_is_refused_by_the_first_reason(path: Path) -> None:
    told = refusal(written(path, "email,tags\na@example.com,x,y\n\nb@example.com\n"), delimiter=",")

    assert "none of its first 2 rows can be sent. Line 2: it has 3 cells, and the table has 2 columns." in told


def test_a_file_whose_first_rows_all_have_faults_is_refused(path: Path) -> None:
    told = refusal(written(path, phones(*["none"] * 1000)))

    assert f"none of its first 300 rows can be sent. Line 2: addresses.0.phone: {BAD_PHONE}." in told


def test_some_rows_that_all_have_faults_are_not_a_wrong_file(path: Path) -> None:
    written(path, phones("none", "none"))

    assert faults(rows_of(path)) == [(2, "addresses.0.phone", BAD_PHONE), (3, "addresses.0.phone", BAD_PHONE)]


def test_faults_after_the_first_rows_are_those_of_rows(path: Path) -> None:
    written(path, phones("1", *["none"] * 1000))

    assert len(faults(rows_of(path))) == 1000


def test_objects_without_an_email_are_no_customers(path: Path) -> None:
    told = refusal(written(path, json.dumps([{"email": "", "login": "a"}, {"email": None}])))

    assert "not one of its rows has an email" in told
    assert "--map email=" in told


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("email,firstName,lastName", ["has a password or a hash", "--map password=", "--initial-passwords FILE"]),
        ("email,password,firstName", ["has lastName,", "--default lastName=-."]),
        (
            "email,password,firstName,lastName,addresses.0.city,addresses.0.state,addresses.0.address_1,addresses.0.name",
            [
                "has addresses.firstName, addresses.postCode, addresses.country,",
                "--default addresses.firstName={firstName} --default addresses.postCode=- ",
                "--default addresses.country=CH.",
            ],
        ),
    ],
)
def test_what_every_row_lacks_is_told_at_once(path: Path, columns: str, words: list[str]) -> None:
    rows = ",".join("x" for _ in columns.split(","))
    told = refusal(written(path, f"{columns}\n" + f"{rows}\n" * 30))

    assert [word for word in words if word not in told] == []
    # A few rows have results of their own.
    assert len(rows_of(written(path, f"{columns}\n" + f"{rows}\n" * 3))) == 3


def test_a_table_without_rows_is_refused(path: Path) -> None:
    assert "without any row" in refusal(written(path, "email,tags\n\n\n"))


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], list[ImportRow]]]:
    """Reads the rows of a pipe."""
    opened: list[io.FileIO] = []

    def read(content: bytes) -> list[ImportRow]:
        reader, writer = os.pipe()
        with os.fdopen(writer, "wb") as feeder:
            feeder.write(content)
        opened.append(io.FileIO(reader, closefd=True))
        monkeypatch.setattr(io, "FileIO", lambda *_, **__: opened[-1])
        with InputFile(STDIN) as source:
            plan = make_plan(source, ImportOptions())
            return list(plan.rows(source.content()))

    yield read
    for each in opened:
        each.close()


def test_a_stream_whose_first_rows_all_have_faults_is_refused_before_its_first_row(
    stream: Callable[[bytes], list[ImportRow]],
) -> None:
    with pytest.raises(WrongInputError, match="none of its first 300 rows can be sent"):
        stream(phones(*["none"] * 400).encode())


def test_a_stream_with_a_good_row_gives_every_row_in_order(stream: Callable[[bytes], list[ImportRow]]) -> None:
    rows = stream(phones("none", "none", "1", "none").encode())

    assert [(row.number, bool(row.body)) for row in rows] == [(2, False), (3, False), (4, True), (5, False)]


def test_few_faulty_rows_of_a_stream_are_not_a_wrong_file(stream: Callable[[bytes], list[ImportRow]]) -> None:
    assert len(faults(stream(phones("none", "none").encode()))) == 2
