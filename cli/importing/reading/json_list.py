"""Reads the objects of one JSON list: an array, or a list somewhere in an object."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Final

from cli.importing.reading.errors import BrokenContentError, BrokenInputError
from cli.importing.reading.json_cursor import JsonCursor
from cli.importing.reading.json_lines import MAXIMUM_ROW_BYTES, TOO_LARGE
from cli.importing.reading.json_values import JsonFaultError, parse_object
from cli.importing.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAXIMUM_NAME_BYTES: Final = 64 * 1024
"""Of a name in the objects around the list."""


def json_list(content: IO[bytes], list_name: str, *, not_text: str) -> Iterator[Record]:
    """Yield the items of a list, each with its place in it.

    An item that cannot be read is a record with a fault, as long as its quotes and brackets match.

    Args:
        content: the text.
        list_name: the list's name in the object that the document is: `data.customers` for one further in. Empty where
            the document is the list.
        not_text: what is told of an item that is not UTF-8.

    Raises:
        BrokenInputError: the document ends too early, or is no JSON from some place on.
        OSError: the content cannot be read.
    """
    cursor = JsonCursor(content)
    place = 0
    try:
        names = list_name.split(".") if list_name else []
        _enter(cursor, names)
        for place, item in enumerate(_items(cursor), 1):  # the handler below tells it
            yield _record(place, item, not_text)
        # What follows is looked at too: another list behind this one would be lost in silence otherwise.
        _leave(cursor, names)
    except BrokenContentError as error:
        raise BrokenInputError(place + 1, str(error)) from None


def _record(place: int, item: bytes | None, not_text: str) -> Record:
    if item is None:
        return Record(place, {}, TOO_LARGE)
    try:
        return Record(place, parse_object(item.decode("utf-8")))
    except UnicodeDecodeError:
        return Record(place, {}, not_text)
    except JsonFaultError as error:
        return Record(place, {}, str(error))


def _enter(cursor: JsonCursor, names: list[str]) -> None:
    """Move behind the bracket that begins the list."""
    for depth, name in enumerate(names):
        if not cursor.take(b"{"):
            raise BrokenContentError(f"{'.'.join(names[:depth]) or 'the document'} is no object")
        if not _find(cursor, name, is_first=True):
            raise BrokenContentError(f"there is no list {'.'.join(names)}")
    if not cursor.take(b"["):
        raise BrokenContentError(f"{'.'.join(names) or 'the document'} is no list")


def _leave(cursor: JsonCursor, names: list[str]) -> None:
    """Move behind the end of the document."""
    for depth in range(len(names), 0, -1):
        if _find(cursor, names[depth - 1], is_first=False):
            raise BrokenContentError(f"{'.'.join(names[:depth])} is there twice")
    if cursor.sign():
        raise BrokenContentError("something follows the end of the JSON")


def _items(cursor: JsonCursor) -> Iterator[bytes | None]:
    if cursor.take(b"]"):
        return
    while True:
        yield cursor.value(maximum=MAXIMUM_ROW_BYTES)
        if cursor.take(b"]"):
            return
        _expect(cursor, b",")


def _find(cursor: JsonCursor, wanted: str, *, is_first: bool) -> bool:
    """Move behind the colon of a name. Returns False where the object ends before, and moves behind its end."""
    while not cursor.take(b"}"):
        if not is_first:
            _expect(cursor, b",")
        is_first = False
        name = name_at(cursor)
        if name == wanted:
            return True
        cursor.value(maximum=0)
    return False


def name_at(cursor: JsonCursor) -> str:
    """Move behind the name and colon that are next in an object.

    Raises:
        BrokenContentError: there are none.
    """
    if cursor.sign() != b'"':
        raise BrokenContentError("a name is missing in an object" if cursor.sign() else "the JSON ends too early")
    value = cursor.value(maximum=_MAXIMUM_NAME_BYTES)
    _expect(cursor, b":")
    try:
        return str(json.loads(value or b'""'))
    except ValueError:
        return ""


def _expect(cursor: JsonCursor, sign: bytes) -> None:
    if not cursor.take(sign):
        missing = "a sign is missing: " + sign.decode()
        raise BrokenContentError(missing if cursor.sign() else "the JSON ends too early: it is cut off")
