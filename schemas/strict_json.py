"""The one JSON parser of shim and worker: a document that it accepts can be read in one way only, and stored as text.

RFC 8259 lets each parser decide about duplicate names, lone surrogates and NaN. Two parsers that decide differently
could read two different emails in one body. So all of these are refused, and both sides use this parser.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

MAXIMUM_INTEGER_DIGITS: Final = 19
"""Digits of the largest integer that BSON stores (2⁶³ - 1), and the most that are read exactly.

Reading an integer takes time that grows with the square of its digits, and no documented field takes more than 15.
"""

BEYOND_EVERY_FIELD: Final = 10**MAXIMUM_INTEGER_DIGITS
"""The value of every integer with more digits, with its sign. It is valid JSON, so the field refuses it later."""

MAXIMUM_DEPTH: Final = 64
"""Most objects and lists within each other; documented requests have four.

Python's parser has a bound of its own, which depends on its version and on the depth of its caller's stack. With that
bound alone the shim could accept a request that the worker cannot read.
"""

MAXIMUM_ELEMENTS: Final = 16_384
"""Braces, brackets, commas and colons outside strings. The largest documented request has less than half as many.

The parser builds an object for each, so a body of nothing else costs a hundred times as much as its size suggests.
"""

_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)
"""A string, up to its end or the end of the text."""

_BRACKET_OR_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+|[\[{]|[\]}]', re.DOTALL)
"""A string, up to its end or the end of the text, or a bracket. Brackets inside strings are skipped with their string.

The pattern never tries a string a second time: that would take time that grows with the square of the length.
"""


class InvalidJsonError(ValueError):
    """The bytes are no JSON object that this service accepts. The message says where, and repeats no input."""


class _FaultError(Exception):
    """Raised inside parser hooks. A ValueError from a hook could not be told from one of the parser itself."""


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object from UTF-8 bytes.

    Raises:
        InvalidJsonError: not UTF-8, not JSON, not an object, of more than 16,384 elements, nested deeper than 64, a
            name twice in one object, NaN or Infinity, or a lone surrogate in a string. A number is JSON however large
            it is: an integer of more than 19 digits becomes ±10¹⁹, a fraction beyond a double's range ±infinity, and
            neither fits into any documented field.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidJsonError(f"the body is not UTF-8 at byte {error.start}") from None
    if text.startswith("\ufeff"):
        raise InvalidJsonError("the body starts with a byte order mark")
    # A body with no more characters than the bound cannot have more elements.
    if len(text) > MAXIMUM_ELEMENTS and _has_too_many_elements(text):
        raise InvalidJsonError("the body has too many elements")
    if _is_nested_too_deeply(text):
        raise InvalidJsonError("the body is nested too deeply")
    try:
        value = _DECODER.decode(text)
        if not isinstance(value, dict):
            raise InvalidJsonError("the body is not a JSON object")
        # Decoded UTF-8 holds no surrogate. Only an escape can make one, so a body without escapes is not searched.
        if "\\u" in text and _has_lone_surrogate(value):
            raise InvalidJsonError("a string holds a lone surrogate, which is no text")
    except json.JSONDecodeError as error:
        raise InvalidJsonError(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except _FaultError as error:
        raise InvalidJsonError(str(error)) from None
    return value


def _has_too_many_elements(text: str) -> bool:
    # Two strings have an element between them. A quote that no backslash precedes begins or ends one, so a body with
    # more of those is refused before its strings are looked at one by one.
    if text.count('"') - text.count('\\"') > 2 * (MAXIMUM_ELEMENTS + 2):
        return True
    return _elements(text) > MAXIMUM_ELEMENTS and _elements(_STRING.sub("", text)) > MAXIMUM_ELEMENTS


def _elements(text: str) -> int:
    return text.count("{") + text.count("[") + text.count(",") + text.count(":")


def _is_nested_too_deeply(text: str) -> bool:
    # Most bodies have fewer brackets in all than the bound.
    if text.count("[") + text.count("{") <= MAXIMUM_DEPTH:
        return False
    depth = 0
    for match in _BRACKET_OR_STRING.finditer(text):
        first = text[match.start()]
        if first in "[{":
            depth += 1
            if depth > MAXIMUM_DEPTH:
                return True
        elif first != '"':
            depth -= 1
            if depth < 0:
                return False  # this is no JSON, as the parser will say
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _FaultError("an object has the same name twice")
    return result


def _integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > MAXIMUM_INTEGER_DIGITS:
        return -BEYOND_EVERY_FIELD if digits.startswith("-") else BEYOND_EVERY_FIELD
    return int(digits)


def _constant(name: str) -> NoReturn:
    raise _FaultError(f"{name} is not JSON")


def _has_lone_surrogate(value: dict[str, Any]) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant)
"""Python's parser with refusals of its own for names that come twice, long numbers and constants."""
