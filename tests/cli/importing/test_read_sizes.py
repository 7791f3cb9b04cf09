"""The same bytes give the same records, whatever the sizes of the pieces in which they come."""

from __future__ import annotations

import gzip
import io
import json
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from cli.importing.reading.input_form import InputForm
from cli.importing.reading.streams.decoding import Coding
from cli.importing.records import Form, Record
from tests.cli.importing.records import Trickle, all_records

# The same examples in every run: a red build is red again on the next machine. Machines differ in speed: no deadline.
SPECIFICATION: Final = settings(derandomize=True, deadline=None, max_examples=150)

SIZES: Final = st.lists(st.integers(1, 40), min_size=1, max_size=8)

ROWS: Final = st.lists(st.sampled_from([*'",é😀 a\n\r', '""', "\r\n", "sep=;\n"]), max_size=60)
JSON: Final = st.lists(
    st.sampled_from([*'{}[],:" \\\n', '"a"', '"a": 1', '{"a": "é😀"}', '\\"', "\\u", "d800", "12", "1e"]), max_size=60
)
DOCUMENTS: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=5,
)


def told(form: InputForm, content: io.RawIOBase, buffer_bytes: int) -> tuple[list[Record], tuple[int, str] | None]:
    coding = Coding(compressed=form.compressed, encoding=form.encoding)
    got, error = all_records(form, io.BufferedReader(coding.decoded(content), buffer_bytes))
    return got, None if error is None else (error.number, error.message)


def assert_same(form: InputForm, content: bytes, sizes: list[int]) -> None:
    whole = told(form, Trickle(content, [1 << 20]), 1 << 20)

    assert told(form, Trickle(content, sizes), 1 << 16) == whole
    assert told(form, Trickle(content, sizes), 16) == whole


@SPECIFICATION
@given(rows=ROWS, cut=st.integers(0, 20), sizes=SIZES)
def test_of_a_table(rows: list[str], cut: int, sizes: list[int]) -> None:
    text = "a,b\n" + "".join(rows)
    assert_same(InputForm(kind=Form.TABLE, delimiter=","), text.encode()[: len(text) - cut], sizes)


@SPECIFICATION
@given(parts=JSON, cut=st.integers(0, 20), sizes=SIZES, name=st.sampled_from(["", "a"]))
def test_of_a_json_list(parts: list[str], cut: int, sizes: list[int], name: str) -> None:
    text = ('{"a": [' if name else "[") + "".join(parts) + ("]}" if name else "]")
    assert_same(InputForm(kind=Form.JSON_LIST, list_name=name), text.encode()[: len(text) - cut], sizes)


@SPECIFICATION
@given(parts=JSON, sizes=SIZES)
def test_of_json_lines(parts: list[str], sizes: list[int]) -> None:
    assert_same(InputForm(kind=Form.JSON_LINES), "".join(parts).encode(), sizes)


@SPECIFICATION
@given(
    rows=ROWS,
    encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-32-be", "gb18030", "utf-7"]),
    damage=st.tuples(st.integers(0, 100), st.binary(max_size=3)),
    sizes=SIZES,
)
def test_of_text_in_an_encoding(rows: list[str], encoding: str, damage: tuple[int, bytes], sizes: list[int]) -> None:
    encoded = "".join(["a,b\n", *rows]).encode(encoding)
    place, junk = damage
    content = encoded[:place] + junk + encoded[place + len(junk) :]
    assert_same(InputForm(kind=Form.TABLE, delimiter=",", encoding=encoding), content, sizes)


@SPECIFICATION
@given(
    lines=st.lists(st.sampled_from([b'{"a": 1}\n', b"x" * 50 + b"\n", b"\n"]), max_size=50),
    members=st.integers(1, 3),
    damage=st.tuples(st.integers(10, 200), st.binary(max_size=3)),
    cut=st.integers(0, 30),
    sizes=SIZES,
)
def test_of_gzip(lines: list[bytes], members: int, damage: tuple[int, bytes], cut: int, sizes: list[int]) -> None:
    packed = gzip.compress(b"".join(lines), mtime=0) * members
    place, junk = damage
    content = (packed[:place] + junk + packed[place + len(junk) :])[: len(packed) - cut]
    assert_same(InputForm(kind=Form.JSON_LINES, compressed=True), content, sizes)


@settings(SPECIFICATION, max_examples=40)
@given(items=st.lists(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), DOCUMENTS)), sizes=SIZES)
def test_items_of_a_list_are_those_that_python_reads(items: list[dict[str, object]], sizes: list[int]) -> None:
    content = json.dumps({"x": [{"y": 1}], "in": {"a": items}, "z": items}).encode()

    got, error = told(InputForm(kind=Form.JSON_LIST, list_name="in.a"), Trickle(content, sizes), 64)

    assert error is None
    assert [each.values for each in got] == items
