"""A file's records are read one by one, whatever its form."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from cli.importing.options import ImportOptions
from cli.importing.reading.errors import BrokenInputError, WrongInputError
from cli.importing.reading.input_file import InputFile
from cli.importing.reading.readers import records
from cli.importing.reading.recognise import recognise

if TYPE_CHECKING:
    from pathlib import Path

    from cli.importing.records import Record


def read(path: Path, content: bytes, **options: Any) -> list[Record]:
    """All records of a file with this content."""
    path.write_bytes(content)
    with InputFile(path) as source:
        return list(records(recognise(source, ImportOptions(**options)), source.content()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "export"


def test_json_lines_are_told_by_their_line(path: Path) -> None:
    content = b'{"email": "a", "big": 123456789012345678901234567890, "part": 1.50}\n\nnonsense\n{"email": 1}'

    first, broken, last = read(path, content)

    assert (first.number, broken.number, last.number) == (1, 3, 4)
    assert first.values == {
        "email": "a",
        "big": 123456789012345678901234567890,
        "part": Decimal("1.50"),
    }
    assert str(first.values["part"]) == "1.50"
    assert broken.fault.startswith("it is no JSON")


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (json.dumps([{"email": "a"}, {"email": "b"}], indent=2), {}),
        (json.dumps([{"email": "a"}, {"email": "b"}]), {}),
        (json.dumps({"next": None, "customers": [{"email": "a"}, {"email": "b"}]}), {}),
        (json.dumps({"data": {"customers": [{"email": "a"}, {"email": "b"}]}}, indent=1), {}),
        (json.dumps({"x": [{}], "y": [{"email": "a"}, {"email": "b"}], "z": 1}), {"list_name": "y"}),
    ],
    ids=["pretty", "one line", "in an object", "further in", "by name"],
)
def test_a_json_list_is_told_by_places(path: Path, content: str, options: dict[str, str]) -> None:
    assert [(each.number, each.values) for each in read(path, content.encode(), **options)] == [
        (1, {"email": "a"}),
        (2, {"email": "b"}),
    ]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("first_line", ["", "sep={sign}\r\n"], ids=["plain", "sep="])
def test_a_table_is_told_by_lines(path: Path, sign: str, first_line: str) -> None:
    head = first_line.format(sign=sign)
    rows = [("email", "note"), ("a@example.com", '"two\r\nlines, and ""quotes"""'), ("", ""), ("b@example.com", "Null")]
    content = head + "".join(sign.join(row) + "\r\n" for row in rows)

    read_records = read(path, content.encode())

    shift = 1 if head else 0
    assert [(each.number - shift, dict(each.values), each.fault) for each in read_records] == [
        (2, {"email": "a@example.com", "note": 'two\r\nlines, and "quotes"'}, ""),
        (5, {"email": "b@example.com", "note": "Null"}, ""),
    ]


def test_a_ragged_row_is_that_row_s_fault(path: Path) -> None:
    _, ragged, last = read(path, b"email,name\na,b\nc,d,e\nf,g\n")

    assert (ragged.number, ragged.fault) == (3, "it has 3 cells, and the table has 2 columns")
    assert last.values == {"email": "f", "name": "g"}


@pytest.mark.parametrize(
    "content",
    [
        "email,name\na@example.com,Zoë\n".encode("utf-16"),
        "email,name\na@example.com,Zoë\n".encode("utf-16-le"),
        "email,name\na@example.com,Zoë\n".encode("utf-16-be"),
        "email,name\na@example.com,Zoë\n".encode("utf-8-sig"),
        gzip.compress("email,name\na@example.com,Zoë\n".encode()),
        gzip.compress("email,name\na@example.com,Zoë\n".encode("utf-16")),
    ],
    ids=["UTF-16", "UTF-16LE", "UTF-16BE", "UTF-8 with mark", "gzip", "UTF-16 in gzip"],
)
def test_a_table_in_another_coding_is_recognised(path: Path, content: bytes) -> None:
    (record,) = read(path, content)

    assert record.values == {"email": "a@example.com", "name": "Zoë"}


def test_another_encoding_is_given_by_option(path: Path) -> None:
    content = "email,name\na@example.com,Zoë €\n".encode("cp1252")

    with pytest.raises(WrongInputError, match=r"no UTF-8: line 2 is the first that is not.* --encoding windows-1252"):
        read(path, content)
    (record,) = read(path, content, encoding="windows-1252")

    assert record.values["name"] == "Zoë €"


def read_until_broken(path: Path, content: bytes, **options: Any) -> tuple[list[Record], BrokenInputError]:
    """The records that come before the error, and the error."""
    path.write_bytes(content)
    got: list[Record] = []
    with InputFile(path) as source:
        reader = records(recognise(source, ImportOptions(**options)), source.content())
        try:
            for each in reader:
                got.append(each)  # noqa: PERF402 # extend would lose them
        except BrokenInputError as error:
            return got, error
    raise AssertionError("nothing is broken")


def test_a_gzip_that_is_cut_off_gives_its_whole_rows_and_then_an_error(path: Path) -> None:
    lines = b"".join(b'{"email": "%d"}\n' % number for number in range(1000))

    got, error = read_until_broken(path, gzip.compress(lines)[:-20])

    assert error.message == "the file ends inside its gzip: it is cut off"
    assert error.number == len(got) + 1
    assert [each.values["email"] for each in got] == [str(number) for number in range(len(got))]


def test_a_quote_that_never_closes_ends_the_table(path: Path) -> None:
    got, error = read_until_broken(path, b'email,name\na,b\nc,"d\ne,f\n')

    assert (error.number, error.message) == (3, "a quote opens in this row and never closes")
    assert [each.values for each in got] == [{"email": "a", "name": "b"}]
