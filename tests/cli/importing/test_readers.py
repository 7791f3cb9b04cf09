"""A file's records are read one by one, whatever its form. A record that cannot be read stops no other."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.cli.importing.records import read, read_until_broken

if TYPE_CHECKING:
    from pathlib import Path

TWO = [{"email": "a"}, {"email": "b"}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "export"


def test_json_lines_are_told_by_their_line(path: Path) -> None:
    content = b'{"email": "a"}\n\n \r\n{"email": "b"}\r\n{"email": "c"}'

    assert [(each.number, each.values["email"]) for each in read(path, content)] == [(1, "a"), (4, "b"), (5, "c")]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (json.dumps(TWO, indent=2), {}),
        (json.dumps(TWO), {}),
        (json.dumps({"next": None, "customers": TWO}), {}),
        (json.dumps({"data": {"customers": TWO}, "page": [1, 2]}, indent=1), {}),
        (json.dumps({"x": [{}], "y": TWO, "z": 1.5}), {"list_name": "y"}),
        (json.dumps({"x": [{}], "in": {"s": "]}", "y": TWO, "t": {"u": [[]]}}, "z": 1}), {"list_name": "in.y"}),
        ("[\n" + ",\n".join(json.dumps(each) for each in TWO) + "\n]\n\n", {}),
    ],
    ids=["pretty", "one line", "in an object", "further in", "by name", "further in by name", "an object a line"],
)
def test_a_json_list_is_told_by_places(path: Path, content: str, options: dict[str, str]) -> None:
    assert [(each.number, each.values) for each in read(path, content.encode(), **options)] == [
        (1, {"email": "a"}),
        (2, {"email": "b"}),
    ]


def test_two_thousand_customers_pretty_printed_as_one_array_are_two_thousand_records(path: Path) -> None:
    rows = [{"email": f"{number}@example.com", "tags": ["{", "]"] * 20} for number in range(2000)]

    assert [each.values for each in read(path, json.dumps(rows, indent=4).encode())] == rows


def test_numbers_keep_their_value(path: Path) -> None:
    numbers = '{"email": "a", "big": 123456789012345678901234567890, "part": 1.50, "small": 1e-400, "none": null}'

    for content in (numbers, f"[{numbers}]"):
        (record,) = read(path, content.encode())

        assert record.values["big"] == 123456789012345678901234567890
        assert str(record.values["part"]) == "1.50"
        assert record.values["small"] == Decimal("1e-400")
        assert record.values["none"] is None


BROKEN_OBJECTS = {
    "no JSON": (b'{"email": secret}', "it is no JSON: Expecting value at character 11"),
    "NaN": (b'{"email": NaN}', "it is no JSON: NaN stands in it"),
    "no object": (b'"secret"', "it is no JSON object"),
    "a name twice": (b'{"a": {"b": "secret", "b": 1}}', "an object in it has the same name twice"),
    "too deep": (b'{"a":' * 65 + b"1" + b"}" * 65, "it is nested too deeply"),
    "far too deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "it is nested too deeply"),
    "a long number": (b'{"a": -' + b"9" * 5000 + b"}", "a number in it has more than 1,000 digits"),
    "a lone surrogate": (b'{"a": "\\ud800"}', "a string in it holds a lone surrogate, which is no text"),
    "a lone surrogate as a name": (b'{"\\udc00": 1}', "a string in it holds a lone surrogate, which is no text"),
    "no UTF-8": (b'{"a": "\xe9"}', "it is no text in UTF-8"),
    "a surrogate in UTF-8": (b'{"a": "\xed\xa0\x80"}', "it is no text in UTF-8"),
    "a control character": (b'{"a": "\x0b"}', "it is no JSON: Invalid control character at character 8"),
    "too large": (b'{"a": "' + b"x" * (4 << 20) + b'"}', "it is larger than 4 MiB"),
    "a number that begins with 0": (b'{"a": 01}', "it is no JSON: Expecting ',' delimiter at character 8"),
}


@pytest.mark.parametrize("kind", BROKEN_OBJECTS)
@pytest.mark.parametrize("form", ["lines", "list"])
def test_a_broken_object_is_its_own_fault(path: Path, kind: str, form: str) -> None:
    broken, fault = BROKEN_OBJECTS[kind]
    rows = [b'{"email": "a"}', broken, b'{"email": "\\ud83d\\ude00"}', *['{"email": "é"}'.encode()] * 5]
    content = b"\n".join(rows) if form == "lines" else b"[" + b",".join(rows) + b"]"

    first, second, third, *others = read(path, content)

    assert [each.values for each in others] == [{"email": "é"}] * 5
    assert (first.values, first.fault) == ({"email": "a"}, "")
    assert (second.number, second.values, second.fault) == (2, {}, fault)
    assert (third.values, third.fault) == ({"email": "😀"}, "")


BROKEN_LISTS = {
    "cut off in an item": (b'[{"email": "a"}, {"email": "b', 1, 2, "the JSON ends too early"),
    "cut off between items": (b'[{"email": "a"},', 1, 2, "the JSON ends too early"),
    "cut off behind an item": (b'[{"email": "a"}', 1, 2, "the JSON ends too early"),
    "a comma at the end": (b'[{"email": "a"},]', 1, 2, "a value is missing"),
    "no comma": (b'[{"email": "a"} {"email": "b"}]', 1, 2, "a sign is missing: ,"),
    "a bracket of another kind": (
        b'[{"email": "a"}, {"b": [}, {"email": "c"}]',
        1,
        2,
        "a bracket is closed by another",
    ),
    "an array behind the array": (b'[{"email": "a"}]\n[{"email": "b"}]', 1, 2, "something follows the end"),
    "a list twice": (b'{"x": [{"email": "a"}], "x": [{"email": "b"}]}', 1, 2, "x is there twice"),
    "cut off behind the list": (b'{"x": [{"email": "a"}], "y": [', 1, 2, "the JSON ends too early"),
    "no end of the object": (b'{"x": [{"email": "a"}]', 1, 2, "the JSON ends too early"),
}


@pytest.mark.parametrize("kind", BROKEN_LISTS)
def test_a_broken_list_ends_there(path: Path, kind: str) -> None:
    content, count, number, words = BROKEN_LISTS[kind]

    got, error = read_until_broken(path, content)

    assert len(got) == count
    assert error is not None
    assert error.number == number
    assert error.message.startswith(words)


def test_a_list_that_is_not_there_is_told(path: Path) -> None:
    content = json.dumps({"x": [{"email": "a" * (2 << 20)}]}).encode()

    got, error = read_until_broken(path, content, list_name="customers")

    assert got == []
    assert error is not None
    assert (error.number, error.message) == (1, "there is no list customers")
