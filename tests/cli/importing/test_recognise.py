"""What a file is, is recognised by its beginning; or it is refused as a whole."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Final

import pytest

from cli.importing.reading.errors import WrongInputError
from tests.cli.importing.records import form_of_file, read

if TYPE_CHECKING:
    from pathlib import Path

LINES: Final = '{"email": "a@example.com", "lastName": "Zoë"}\n{"email": "b@example.com", "lastName": "Łem"}\n'
TABLE: Final = "email,lastName\na@example.com,Zoë\nb@example.com,Łem\n"
ROWS: Final = [{"email": "a@example.com"}, {"email": "b@example.com"}]
NESTED: Final = {"page": 1, "data": {"customers": ROWS}}

DESCRIBED: Final[dict[str, tuple[bytes, str, str]]] = {
    "lines": (LINES.encode(), "JSON lines", "line"),
    "one object": (b'{"email": "a"}', "JSON lines", "line"),
    "lines in gzip": (gzip.compress(LINES.encode()), "JSON lines, gzip", "line"),
    "lines in UTF-16": (LINES.encode("utf-16"), "JSON lines, UTF-16", "line"),
    "an array": (json.dumps(ROWS).encode(), "one JSON array", "item"),
    "an array in UTF-16BE in gzip": (
        gzip.compress(json.dumps(ROWS, indent=1).encode("utf-16-be")),
        "one JSON array, gzip, UTF-16",
        "item",
    ),
    "an array of megabytes": (json.dumps(ROWS * 50_000).encode(), "one JSON array", "item"),
    "a list in an object": (
        json.dumps({"customers": ROWS}).encode(),
        "the list customers of a JSON object",
        "item",
    ),
    "a list further in": (json.dumps(NESTED, indent=2).encode(), "the list data.customers of a JSON object", "item"),
    "commas": (TABLE.encode(), "CSV, columns between commas", "line"),
    "semicolons": (TABLE.replace(",", ";").encode("utf-8-sig"), "CSV, columns between semicolons", "line"),
    "tabs": (TABLE.replace(",", "\t").encode("utf-16"), "CSV, columns between tabs, UTF-16", "line"),
    "bars": (TABLE.replace(",", "|").encode(), "CSV, columns between bars", "line"),
    "Excel's own first line": (b"sep=;\nemail;password\n", "CSV, columns between semicolons", "line"),
    "one column": (b"email\na@example.com\n", "CSV, one column", "line"),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "export"


@pytest.mark.parametrize("kind", DESCRIBED)
def test_a_form_is_recognised_and_described(path: Path, kind: str) -> None:
    content, described, counts_by = DESCRIBED[kind]

    form = form_of_file(path, content)

    assert (form.described, form.counts_by) == (described, counts_by)


@pytest.mark.parametrize("text", [LINES, TABLE], ids=["lines", "table"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_encodings_are_recognised(path: Path, text: str, encoding: str, packed: bool) -> None:
    content = gzip.compress(text.encode(encoding)) if packed else text.encode(encoding)

    assert [each.values for each in read(path, content)] == [
        {"email": "a@example.com", "lastName": "Zoë"},
        {"email": "b@example.com", "lastName": "Łem"},
    ]


@pytest.mark.parametrize("encoding", ["windows-1250", "ISO-8859-2", "cp852", "utf-16", "utf-32", "utf-7"])
@pytest.mark.parametrize("text", [LINES, TABLE], ids=["lines", "table"])
def test_other_encodings_are_given_by_option(path: Path, encoding: str, text: str) -> None:
    records = read(path, text.encode(encoding), encoding=encoding)

    assert [each.values["lastName"] for each in records] == ["Zoë", "Łem"]


@pytest.mark.parametrize("encoding", ["shift_jis", "gb18030", "euc-kr", "big5"])
def test_encodings_of_several_bytes_are_given_by_option(path: Path, encoding: str) -> None:
    (record,) = read(path, "email,lastName\na,山田\n".encode(encoding), encoding=encoding)

    assert record.values["lastName"] == "山田"


def test_text_of_other_scripts_in_utf_16_is_recognised_without_a_mark(path: Path) -> None:
    lines = "".join(f'{{"email": "{n}@example.com", "firstName": "{"李" * 9}"}}\n' for n in range(30))

    assert len(read(path, lines.encode("utf-16-le"))) == 30


@pytest.mark.parametrize(
    ("content", "encoding", "fault"),
    [
        (b"email,name\n" + b"a,b\n" * 3 + b"c,\x81\n" + b"d,\x80\n" * 2, "cp1252", "it is no text in Windows-1252"),
        ("email,name\n" + "a,Zoë\n" * 3 + "c,\ud800\n" + "d,€\n" * 2, "", "it is no text in UTF-16"),
        ("email,name\n" + "a,Zoë\n" * 3 + "c,\udcff\n" + "d,€\n" * 2, "utf-16", "it is no text in UTF-16"),
    ],
    ids=["Windows-1252", "UTF-16", "UTF-16 by option"],
)
def test_what_cannot_be_decoded_is_its_row_s_fault(path: Path, content: bytes | str, encoding: str, fault: str) -> None:
    encoded = content if isinstance(content, bytes) else content.encode("utf-16", "surrogatepass")

    records = read(path, encoded, encoding=encoding)

    assert [each.fault for each in records] == ["", "", "", fault, "", ""]
    assert records[-1].values["name"] == "€"


REFUSED: Final[dict[str, tuple[bytes, dict[str, str], str]]] = {
    "Windows-1252": (TABLE.encode("cp1250"), {}, "no UTF-8: line 2 is the first that is not"),
    "the wrong encoding": (TABLE.encode("cp1250"), {"encoding": "utf-8"}, "no UTF-8: line 2"),
    "an unknown encoding": (TABLE.encode(), {"encoding": "klingon"}, "an encoding that is not known"),
    "no encoding of text": (TABLE.encode(), {"encoding": "base64"}, "an encoding that is not known"),
    "several lists": (json.dumps({"x": ROWS, "y": ROWS}).encode(), {}, "several lists (x, y). Nothing was sent. Say"),
    "no such list": (json.dumps({"x": ROWS}).encode(), {"list_name": "z"}, "without a list z (x)"),
    "a list in an array": (json.dumps(ROWS).encode(), {"list_name": "z"}, "Leave --list out"),
    "a list in lines": (LINES.encode(), {"list_name": "z"}, "Leave --list out"),
    "a column twice": (b"email,name,name\na,b,c\n", {}, "several columns have one name: name"),
    "no names of columns": (b"jo@example.com,Jo,secret\nal@example.com,Al,x\n", {}, "whose first line is a row"),
    "a long sign": (TABLE.encode(), {"delimiter": "::"}, "--delimiter must be one sign, or tab"),
    "a quote as sign": (TABLE.encode(), {"delimiter": '"'}, "--delimiter must be one sign, or tab"),
    "gzip of nothing": (gzip.compress(b""), {}, "empty"),
    "a gzip without content": (gzip.compress(TABLE.encode())[:8], {}, "damaged"),
    "no gzip behind its first bytes": (b"\x1f\x8b" + b"x" * 100, {}, "damaged"),
    "one object over lines": (json.dumps(ROWS[0], indent=1).encode(), {}, "go over several lines"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_as_a_whole(path: Path, kind: str) -> None:
    content, options, words = REFUSED[kind]

    with pytest.raises(WrongInputError) as refused:
        form_of_file(path, content, **options)

    assert words in str(refused.value)
    assert str(refused.value).startswith(f"{path}: this is ")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("row", [{"contact": {"mail": "a"}, "orders": [{"id": 1}]}, {"mail": "a", "addresses": [{}]}])
def test_a_single_row_with_a_list_in_it_is_a_row_where_its_fields_are_mapped(
    path: Path, row: dict[str, object]
) -> None:
    mapping = {"email": "contact.mail" if "contact" in row else "mail"}

    form = form_of_file(path, json.dumps(row).encode(), mapping=mapping)

    assert form.described == "JSON lines"
