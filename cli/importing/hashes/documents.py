"""How fields of a JSON document are read. The document may have been made by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cli.importing.hashes.foreign_hash import ForeignHashError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAXIMUM_DIGITS: Final = 10
"""Of a number. No cost has more."""


def object_in(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object of this name, which may be written as a JSON text. An empty one where there is none.

    Raises:
        ForeignHashError: it is no object.
    """
    found = document.get(name)
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            found = []
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ForeignHashError(f"has a {name} that is no JSON object")
    return found


def text_in(document: Mapping[str, Any], name: str) -> str:
    """The text of this name, which may stand in a list of one.

    Raises:
        ForeignHashError: there is none, or it is no text.
    """
    found = _alone(document.get(name))
    if not isinstance(found, str) or not found:
        raise ForeignHashError(f"has no {name}")
    return found


def number_in(document: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """The number of this name, which may be written as a text, and may stand in a list of one.

    Raises:
        ForeignHashError: there is none and no default either, or it is no whole number that a cost could be.
    """
    found = _alone(document.get(name, default))
    if isinstance(found, str) and len(found) <= _MAXIMUM_DIGITS and found.isascii() and found.isdigit():
        found = int(found)
    if type(found) is not int or not 0 <= found < 10**_MAXIMUM_DIGITS:
        raise ForeignHashError(f"has no {name} that is a whole number")
    return found


def _alone(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value
