"""A table's rows are read as records, whatever sign is between their columns. A broken row is its own fault."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from tests.cli.importing.records import form_of_file, read, read_until_broken

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "export.csv"


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("first_line", ["", "sep={sign}\r\n", '"sep={sign}"\n'], ids=["plain", "sep=", "quoted sep="])
def test_a_table_is_told_by_lines(path: Path, sign: str, first_line: str) -> None:
    head = first_line.format(sign=sign)
    rows = [("email", "note"), ("a@example.com", '"two\r\nlines, and ""quotes"""'), ("", ""), ("b@example.com", "Null")]
    content = head + "".join(sign.join(row) + "\r\n" for row in rows)

    records = read(path, content.encode())

    shift = 1 if head else 0
    assert [(each.number - shift, dict(each.values), each.fault) for each in records] == [
        (2, {"email": "a@example.com", "note": 'two\r\nlines, and "quotes"'}, ""),
        (5, {"email": "b@example.com", "note": "Null"}, ""),
    ]


def test_words_for_nothing_stay_text(path: Path) -> None:
    words = ["Null", "null", "None", "NaN", "true", "1e5", "007", " ", "=1+1"]

    records = read(path, ("email,lastName\n" + "".join(f"a,{word}\n" for word in words)).encode())

    assert [each.values["lastName"] for each in records] == words


BROKEN_ROWS = {
    "too many cells": (b"c,d,e", "it has 3 cells, and the table has 2 columns"),
    "too few cells": (b"c", "it has 1 cells, and the table has 2 columns"),
    "a quote that is not doubled": (b'"John "Johnny" Doe",x', "a quote in it is neither doubled nor at the end"),
    "no UTF-8": (b"Zo\xeb,x", "it is no text in UTF-8"),
    "a carriage return": (b"a\rb,x", "a carriage return stands in it outside of quotes"),
    "a large cell": (b"x" * (1 << 20) + b"y,b", "a cell of it is larger than 1 MiB"),
    "a large row": (b",".join([b"x" * 1000] * 5000), "it is larger than 4 MiB"),
    "a large row in quotes": (b'"' + b'x""\n' * (2 << 20) + b'",b', "it is larger than 4 MiB"),
    "a very large line": (b"x" * (9 << 20), "it is larger than 4 MiB"),
}


@pytest.mark.parametrize("kind", BROKEN_ROWS)
def test_a_broken_row_is_its_own_fault(path: Path, kind: str) -> None:
    row, fault = BROKEN_ROWS[kind]

    first, second, third = read(path, "email,name\na,é\n".encode() + row + b'\n"f",g')

    assert (first.number, first.values, first.fault) == (2, {"email": "a", "name": "é"}, "")
    assert (second.number, second.values) == (3, {})
    assert second.fault.startswith(fault)
    assert (third.number, third.values) == (4 + row.count(b"\n"), {"email": "f", "name": "g"})


def test_a_quote_that_does_not_close_ends_with_the_next_quote(path: Path) -> None:
    records = read(path, b'email,name\na,"b\nc,d\n"e","f"\ng,h\n')

    assert [(each.number, each.fault != "", each.values.get("email")) for each in records] == [
        (2, True, None),
        (5, False, "g"),
    ]


@pytest.mark.parametrize("lines", [1, 1_000_000], ids=["few lines", "many lines"])
def test_a_quote_that_never_closes_ends_the_table(path: Path, lines: int) -> None:
    got, error = read_until_broken(path, b'email,name\na,b\nc,"d\n' + b"e,f\n" * lines)

    assert error is not None
    assert (error.number, error.message) == (3, "a quote opens in this row and never closes")
    assert [each.values for each in got] == [{"email": "a", "name": "b"}]


def test_a_quote_that_closes_far_behind_is_one_row_s_fault(path: Path) -> None:
    row = b'c,"d\n' + b'e,""f""\n' * 1_000_000 + b'"x"\n'

    got = read(path, b"email,name\na,b\n" + row + b"g,h\n")

    assert [(each.number, each.fault) for each in got] == [(2, ""), (3, "it is larger than 4 MiB"), (1_000_005, "")]


def test_columns_without_a_name_may_be_empty(path: Path) -> None:
    first, second = read(path, b"email,,name,\na,,b,\nc,d,e,\n")

    assert first.values == {"email": "a", "name": "b"}
    assert second.fault == "column 2 has a value, and no name in the first row"


def test_spaces_behind_signs_belong_to_no_cell_where_quotes_follow_them(path: Path) -> None:
    (record,) = read(path, b'"email", "first, name", note\n"a", "John, jr", x\n')

    assert record.values == {"email": "a", "first, name": "John, jr", "note": "x"}


def test_spaces_in_cells_stay_where_no_quotes_follow_them(path: Path) -> None:
    (record,) = read(path, b"email, name \na, John \n")

    assert record.values == {"email": "a", "name": " John "}


def test_lines_may_end_in_carriage_returns(path: Path) -> None:
    first, second = read(path, 'email;name\ra;"Zoë\rtwo"\rb;c'.encode("mac_roman"), encoding="macintosh")

    assert (first.number, first.values) == (2, {"email": "a", "name": "Zoë\ntwo"})
    assert (second.number, second.values) == (4, {"email": "b", "name": "c"})


def test_names_of_columns_that_cannot_be_read_end_the_table(path: Path) -> None:
    rows = "email,Prénom\n".encode("latin-1") + "a,Zoë\n".encode() * 3

    got, error = read_until_broken(path, rows)

    assert got == []
    assert error is not None
    assert (error.number, error.message) == (1, "the names of the columns cannot be read: it is no text in UTF-8")


def test_a_table_that_python_writes_is_read_as_it_was(path: Path) -> None:
    rows = [["email", "a", "b"], *([f"{n}@x", f'"{n}', f",{n}\r\n\n"] for n in range(500)), ["", " ", '""']]
    text = io.StringIO()
    csv.writer(text).writerows(rows)

    records = read(path, text.getvalue().encode())

    assert [list(each.values.values()) for each in records] == rows[1:]


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        (b'Email,"Address; City"\na,b;c\n', ","),
        (b"email;tags\na;x,y\nb;z,w\n", ";"),
        (b"email\tname\na\t\n", "\t"),
        (b"email,password\n", ","),
        (b"email\na@example.com\n", ","),
        (b"email,name,tags\na,b,c,d,e\n", ","),
    ],
    ids=["a semicolon in a name", "commas in cells", "an empty cell at the end", "no rows", "one column", "ragged"],
)
def test_the_sign_between_columns_is_recognised(path: Path, content: bytes, delimiter: str) -> None:
    assert form_of_file(path, content).delimiter == delimiter


@pytest.mark.parametrize(("given", "sign"), [("~", "~"), ("tab", "\t"), ("\\t", "\t"), (",", ",")])
def test_the_sign_between_columns_can_be_given(path: Path, given: str, sign: str) -> None:
    form = form_of_file(path, f"id{sign}x;y;z\n1{sign}a;b;c\n".encode(), delimiter=given)

    assert (form.delimiter, form.columns) == (sign, ("id", "x;y;z"))
