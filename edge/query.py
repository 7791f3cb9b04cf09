"""Reads the query of a call whose arguments are each given once at most."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from edge.request import InvalidRequestPartError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.request import HttpRequest

_LONGEST_SHOWN: Final = 255
"""How many characters of an unknown argument's name an answer repeats."""

# Clients choose the text that this pattern reads. It gives no character back.
_DIGITS: Final = re.compile(r"[0-9]{1,16}+")
"""A whole number, as text."""


def query_arguments(request: HttpRequest, *known: str) -> dict[str, str]:
    """The arguments in the query, by their names.

    Raises:
        InvalidRequestPartError: an argument is not one of `known`, or is repeated.
    """
    arguments: dict[str, str] = {}
    for name, value in parse_qsl(request.query.decode("latin-1"), keep_blank_values=True):
        require_known(name, known)
        if name in arguments:
            raise InvalidRequestPartError(name, "must be given once")
        arguments[name] = value
    return arguments


def require_known(name: str, known: tuple[str, ...]) -> None:
    """Refuse an argument that the method does not have.

    Raises:
        InvalidRequestPartError: `name` is not one of `known`.
    """
    if name not in known:
        raise InvalidRequestPartError(name[:_LONGEST_SHOWN], "is not an argument of this method")


def whole_number(
    arguments: Mapping[str, str], name: str, default: int | None, *, minimum: int, maximum: int
) -> int | None:
    """The number that this argument gives, or the default where there is no such argument.

    Raises:
        InvalidRequestPartError: it is no whole number within these bounds.
    """
    text = arguments.get(name)
    if text is None:
        return default
    if _DIGITS.fullmatch(text) is None or not minimum <= int(text) <= maximum:
        raise InvalidRequestPartError(name, f"must be a whole number from {minimum} to {maximum}")
    return int(text)
