"""How the headers and the query of a request are read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_shim.methods.requests.arguments import (
    ResultQuery,
    idempotency_key,
    preferred_wait,
    result_query,
    result_query_from_body,
)
from edge.request import HttpRequest, InvalidRequestPartError


async def _nothing() -> Any:
    raise AssertionError


def _request(*headers: tuple[str, str], query: str = "") -> HttpRequest:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return HttpRequest({"type": "http", "headers": raw, "query_string": query.encode("latin-1")}, _nothing)


def _key(*values: str) -> str | None:
    return idempotency_key(_request(*(("idempotency-key", value) for value in values)))


def _wait(*values: str) -> int | None:
    return preferred_wait(_request(*(("prefer", value) for value in values)))


def test_without_the_header_there_is_no_key() -> None:
    assert _key() is None


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("abc", "abc"),
        ('"abc"', "abc"),
        (" abc\t", "abc"),
        ('"a\\"b"', 'a"b'),
        ('"a\\\\b"', "a\\b"),
        ('a"b', 'a"b'),
        ("a\\b", "a\\b"),
        ("x" * 255, "x" * 255),
        ('"' + "\\\\" * 255 + '"', "\\" * 255),
    ],
    ids=lambda value: value[:10],
)
def test_a_bare_key_and_the_same_key_in_quotes_are_one_key(value: str, key: str) -> None:
    assert _key(value) == key


@pytest.mark.parametrize(
    "values",
    [
        ("",),
        (" ",),
        ('""',),
        ('"',),
        ('"a',),
        ('"a"b',),
        ('"a" ; x=1',),
        ('"a\\x"',),
        ('"a b"',),
        ("a b",),
        ("a\tb",),
        ("ü",),
        ('"ü"',),
        ("\x80",),
        ("x" * 256,),
        ('"' + "x" * 256 + '"',),
        ("a", "a"),
        ("a", "b"),
    ],
    ids=lambda values: repr(values)[:16],
)
def test_any_other_key_is_refused_and_not_repeated(values: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequestPartError) as error:
        _key(*values)

    assert error.value.field == "Idempotency-Key"
    assert error.value.message == "must be 1 to 255 visible ASCII characters, bare or quoted, once"


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255))
def test_every_visible_text_has_a_quoted_form_that_is_the_same_key(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')

    assert _key(f'"{escaped}"') == text
    if not text.startswith('"'):
        assert _key(text) == text


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ((), None),
        (("wait=10",), 10),
        (("Wait=10",), 10),
        (('wait="10"',), 10),
        (("wait = 10",), 10),
        (("wait=010",), 10),
        (("wait=0",), 0),
        (("wait=60",), 60),
        (("wait=61",), 60),
        (("wait=999999",), 60),
        (("respond-async, wait=10",), 10),
        (("respond-async", "wait=10"), 10),
        (("wait=10", "wait=20"), 10),
        (("wait=x, wait=10",), None),
        (("wait",), None),
        (("wait=",), None),
        (('wait=""',), None),
        (("wait=-1",), None),
        (("wait=1.0",), None),
        (("wait=1 2",), None),
        (("wait=\xb2",), None),
        (("x-wait=10",), None),
        (("wait:10",), None),
        (('foo="wait=10"',), None),
        (('foo=", wait=10, "',), None),
        (('foo="\\", wait=10, "',), None),
        (('foo="a\\"", wait=10',), 10),
        (("foo; wait=10",), None),
        (("wait=10; foo",), 10),
        (('wait=10; foo="a, b"',), 10),
        (('foo="unclosed, wait=10',), None),
        ((",, ,wait=10,",), 10),
        (("wait=10 garbage",), None),
    ],
    ids=repr,
)
def test_a_wait_is_read_as_rfc_7240_says(values: tuple[str, ...], seconds: int | None) -> None:
    assert _wait(*values) == seconds


@given(st.text(st.sampled_from('wait=10;,"\\ \tax')))
def test_any_preference_is_read_or_ignored(value: str) -> None:
    seconds = _wait(value)

    assert seconds is None or 0 <= seconds <= 60


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("id=a", ResultQuery("a", 0)),
        ("id=a&wait=0", ResultQuery("a", 0)),
        ("wait=60&id=a", ResultQuery("a", 60)),
        ("id=%61", ResultQuery("a", 0)),
        ("id=%00", ResultQuery("\0", 0)),
        ("id=%", ResultQuery("%", 0)),
        ("id=%ff", ResultQuery("\ufffd", 0)),
    ],
)
def test_a_query_names_one_task(query: str, expected: ResultQuery) -> None:
    assert result_query(_request(query=query)) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "id"),
        ("id=", "id"),
        ("id=a&id=a", "id"),
        ("id=a&wait=", "wait"),
        ("id=a&wait=61", "wait"),
        ("id=a&wait=-0", "wait"),
        ("id=a&wait=%D9%A3", "wait"),
        ("id=a&wait=1&wait=1", "wait"),
        ("id=a&wait=" + "9" * 10_000, "wait"),
        ("id=a&other=1", "other"),
        ("ID=a", "ID"),
        ("id=a&" + "x" * 1000 + "=1", "x" * 255),
        ("id=a&=1", ""),
    ],
    ids=lambda value: value[:16],
)
def test_any_other_query_is_refused(query: str, field: str) -> None:
    with pytest.raises(InvalidRequestPartError) as error:
        result_query(_request(query=query))

    assert error.value.field == field


@pytest.mark.parametrize("wait", [True, "1", 1.0, None, -1, 61, 10**18, [1]], ids=repr)
def test_a_wait_in_a_body_is_a_whole_number(wait: Any) -> None:
    with pytest.raises(InvalidRequestPartError) as error:
        result_query_from_body({"id": "a", "wait": wait})

    assert error.value.field == "wait"
