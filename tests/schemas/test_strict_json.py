"""Bytes that every parser reads as the same JSON object are accepted. All others are refused in the same way."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.strict_json import InvalidJsonError, parse_object

NUMBERS = st.integers(-(10**19) + 1, 10**19 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=5)
    ),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES, max_size=6)


def as_read(digits: str) -> int:
    """How this service reads an integer."""
    return max(-(10**19), min(10**19, int(digits)))


def refusal(body: bytes) -> str:
    with pytest.raises(InvalidJsonError) as caught:
        parse_object(body)
    return str(caught.value)


@given(document=OBJECTS, escaped=st.booleans(), indent=st.sampled_from([None, 0, 2]))
def test_an_object_whose_names_are_unique_is_read_as_the_standard_library_reads_it(
    document: dict[str, Any], escaped: bool, indent: int | None
) -> None:
    body = json.dumps(document, ensure_ascii=escaped, indent=indent).encode()
    assert parse_object(body) == json.loads(body) == document


@given(body=st.binary(max_size=200))
def test_any_other_bytes_raise_the_error_of_invalid_json_and_no_other(body: bytes) -> None:
    try:
        parsed = parse_object(body)
    except InvalidJsonError:
        return
    assert parsed == json.loads(body, parse_int=as_read)


@given(text=st.text('{}[]",:\\u0123456789dDeE+-. truefalsnl', max_size=60))
def test_bytes_that_look_like_json_are_read_as_the_standard_library_reads_them_or_refused(text: str) -> None:
    try:
        parsed = parse_object(text.encode())
    except InvalidJsonError:
        return
    assert parsed == json.loads(text, parse_int=as_read)


@pytest.mark.parametrize(
    "body",
    [
        b'{"email": "a", "email": "b"}',
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": [[{"c": 0}, {"b": 1, "x": 0, "b": 2}]]}',
        b'{"a": 1, "\\u0061": 2}',
    ],
)
def test_a_name_twice_in_one_object_is_refused_at_any_depth(body: bytes) -> None:
    assert refusal(body) == "an object has the same name twice"


def test_the_same_name_in_two_objects_is_fine() -> None:
    assert parse_object(b'{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}') == {"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "\\ud800"}',
        b'{"a": "x\\udfffy"}',
        b'{"a": "\\udc00\\ud800"}',
        b'{"\\ud83d": 1}',
        b'{"a": [{"b": ["\\ud83d"]}]}',
        b'{"a": [{"\\uDBFF": 1}]}',
    ],
)
def test_a_lone_surrogate_is_refused_wherever_it_stands(body: bytes) -> None:
    assert "lone surrogate" in refusal(body)


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert parse_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "+1", "0x1", "1e", "1.", ".5", "01", "--1"])
def test_a_number_that_is_not_in_the_json_standard_is_refused(number: str) -> None:
    refusal(f'{{"a": [{number}]}}'.encode())


@pytest.mark.parametrize("number", ["1e999", "1e400", "1" * 400 + ".0", "9E+999999999999", "1" * 200_000 + ".5"])
def test_a_fraction_too_large_for_a_double_is_infinite(number: str) -> None:
    assert parse_object(f'{{"a": [{number}, -{number}]}}'.encode()) == {"a": [math.inf, -math.inf]}


@pytest.mark.parametrize("digits", ["1" * 20, "9" * 4_300, "9" * 5_000, "9" * 200_000])
def test_an_integer_of_more_than_19_digits_is_read_as_a_value_that_no_field_takes(digits: str) -> None:
    assert parse_object(f'{{"a": [{{"b": {digits}}}], "c": -{digits}}}'.encode()) == {
        "a": [{"b": 10**19}],
        "c": -(10**19),
    }


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 10**19 - 1, 0])
def test_an_integer_of_19_digits_is_read_exactly(number: int) -> None:
    assert parse_object(f'{{"a": {number}}}'.encode()) == {"a": number}


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"u": "\\u00e4", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=["open lists", "open objects", "closed lists", "closed objects", "with an escape"],
)
def test_a_hundred_thousand_nested_brackets_are_refused(body: bytes) -> None:
    assert refusal(body) in {"the body is nested too deeply", "the body has too many elements"}


def nested(depth: int, text: str = "x") -> bytes:
    """A body of this depth. The outermost object counts as one."""
    lists = depth - 1
    return f'{{"a": {"[" * lists}"{text}"{"]" * lists}}}'.encode()


def under_a_deep_stack(frames: int, body: bytes) -> dict[str, Any]:
    """Read the body with this number of further callers on the stack."""
    return under_a_deep_stack(frames - 1, body) if frames else parse_object(body)


@pytest.mark.parametrize("frames", [0, 100, 500])
@pytest.mark.parametrize("text", ["x", "\\u00e4", "]]]]", '\\"[[{', "\\\\"])
def test_a_depth_of_64_is_read_and_one_of_65_is_not_however_deep_the_caller_stands(frames: int, text: str) -> None:
    assert list(under_a_deep_stack(frames, nested(64, text))) == ["a"]
    with pytest.raises(InvalidJsonError, match="nested too deeply"):
        under_a_deep_stack(frames, nested(65, text))


def test_many_brackets_beside_each_other_or_in_strings_do_not_count_as_depth() -> None:
    assert len(parse_object(b'{"a": [' + b", ".join([b'{"b": [1]}'] * 4_000) + b"]}")["a"]) == 4_000
    assert parse_object(b'{"a": "' + b"[{" * 5_000 + b'"}') == {"a": "[{" * 5_000}


@pytest.mark.parametrize("part", [b'\\"', b'"', b'["', b"\\", b'\\"[', b'"\\', b"]["])
def test_a_body_that_is_made_to_be_slow_to_scan_is_refused_like_any_other(part: bytes) -> None:
    # Another test counts the steps: tests/api_shim/test_parsing_is_linear.py.
    refusal(b"[" * 64 + b'"' + part * (256 * 1024 // len(part)))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ("{}".encode("utf-16"), "not UTF-8"),
        ("{}".encode("utf-16-le"), "not JSON"),
        ("{}".encode("utf-32-be"), "not JSON"),
        (b'{"a": "\xe4"}', "not UTF-8 at byte 7"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a": "\xc0\xaf"}', "not UTF-8"),
    ],
)
def test_no_encoding_but_utf_8_without_a_byte_order_mark_is_taken(body: bytes, said: str) -> None:
    assert said in refusal(body)


@pytest.mark.parametrize("body", [b"[]", b'"a"', b"1", b"null", b"true", b'[{"a": 1}]'])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    assert refusal(body) == "the body is not a JSON object"


@pytest.mark.parametrize("body", [b"", b" ", b"{", b"{'a': 1}", b'{"a": 1,}', b"{} {}", b'{"a": 01}', b'{"a": "\n"}'])
def test_a_body_that_is_not_json_is_refused_and_the_place_is_named(body: bytes) -> None:
    assert "at character" in refusal(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"password": "canary"',
        b'{"canary": 1, "canary": 2}',
        b'{"password": "canary\\ud800"}',
        b'"canary"',
        b'{"a": NaN, "b": "canary"}',
        b'{"password": "canary\xff"}',
    ],
)
def test_a_refusal_never_repeats_the_body(body: bytes) -> None:
    assert "canary" not in refusal(body)
