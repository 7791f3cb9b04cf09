"""The one JSON parser of both sides: what it accepts has exactly one reading and can be stored as text.

RFC 8259 leaves duplicate names, lone surrogates and NaN to each parser; two parsers that differ there could read two
different emails out of one body. So all of them are refused, and both sides use this parser.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

MAXIMUM_INTEGER_DIGITS: Final = 19
"""Digits of the largest integer that BSON stores (2⁶³ - 1); a longer one is refused before it is computed."""


class InvalidJsonError(ValueError):
    """The bytes are no JSON object that this service takes. The message says where, never what stood there."""


class _FaultError(Exception):
    """Raised inside parser hooks, where a ValueError would be taken for the parser's own."""


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object from UTF-8 bytes.

    Raises:
        InvalidJsonError: not UTF-8, not JSON, not an object, nested too deeply, a name twice in one object, NaN or
            Infinity, an integer beyond 19 digits, a number beyond a double's range, or a lone surrogate in a string.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidJsonError(f"the body is not UTF-8 at byte {error.start}") from None
    if text.startswith("\ufeff"):
        raise InvalidJsonError("the body starts with a byte order mark")
    try:
        value = _DECODER.decode(text)
        if not isinstance(value, dict):
            raise InvalidJsonError("the body is not a JSON object")
        # Decoded UTF-8 holds no surrogate: only an escape can bring one in, so bodies without one skip this.
        if "\\u" in text and _has_lone_surrogate(value):
            raise InvalidJsonError("a string holds a lone surrogate, which is no text")
    except json.JSONDecodeError as error:
        raise InvalidJsonError(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise InvalidJsonError("the body is nested too deeply") from None
    except _FaultError as error:
        raise InvalidJsonError(str(error)) from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _FaultError("an object has the same name twice")
    return result


def _integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > MAXIMUM_INTEGER_DIGITS:
        raise _FaultError(f"a number has more than {MAXIMUM_INTEGER_DIGITS} digits")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise _FaultError("a number is out of range")
    return value


def _constant(name: str) -> NoReturn:
    raise _FaultError(f"{name} is not JSON")


def _has_lone_surrogate(value: dict[str, Any]) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
