"""One JSON object from text, in the one way in which it can be read; otherwise a fault that repeats nothing of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final, NoReturn

MAXIMUM_DEPTH: Final = 64
"""Most objects and lists within each other. The service takes as many."""

MAXIMUM_DIGITS: Final = 1_000
"""Of an integer. Reading one takes time that grows with the square of its digits, and no field takes more than 15."""

_TOO_DEEP: Final = "it is nested too deeply"
"""Why an object is not read that is nested deeper than 64."""


class JsonFaultError(Exception):
    """The text is no JSON object that can be read. The message tells why."""


def parse_object(text: str) -> dict[str, Any]:
    """Parse a JSON object. Numbers keep their value: an integer of any size, a Decimal for each fraction.

    Raises:
        JsonFaultError: no JSON, no object, a name twice in one object, nested deeper than 64, an integer of more than
            1,000 digits, NaN or Infinity, or a lone surrogate in a string.
    """
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise JsonFaultError(f"it is no JSON: {what} at character {error.pos + 1:,}") from None
    except RecursionError:
        raise JsonFaultError(_TOO_DEEP) from None
    if not isinstance(value, dict):
        raise JsonFaultError("it is no JSON object")
    # Most rows have fewer brackets in all than the bound.
    if text.count("[") + text.count("{") > MAXIMUM_DEPTH and _is_deeper(value, MAXIMUM_DEPTH):
        raise JsonFaultError(_TOO_DEEP)
    # UTF-8 holds no surrogate. Only an escape can make one.
    if "\\u" in text and _has_lone_surrogate(value):
        raise JsonFaultError("a string in it holds a lone surrogate, which is no text")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise JsonFaultError("an object in it has the same name twice")
    return result


def _integer(digits: str) -> int:
    if len(digits) > MAXIMUM_DIGITS:
        raise JsonFaultError(f"a number in it has more than {MAXIMUM_DIGITS:,} digits")
    return int(digits)


def _constant(name: str) -> NoReturn:
    raise JsonFaultError(f"it is no JSON: {name} stands in it")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=Decimal, parse_constant=_constant
)
"""Python's parser with refusals of its own."""


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            each
            for outer in level
            for each in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(each, dict | list)
        ]
        if not level:
            return False
    return True


def _has_lone_surrogate(value: dict[str, Any]) -> bool:
    try:
        # `default` stands in for each Decimal.
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
