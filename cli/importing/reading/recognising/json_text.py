"""Recognises JSON: lines with an object each, a list, an object with a list; and says what other JSON is."""

from __future__ import annotations

import io
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from cli.importing.reading.errors import BrokenContentError
from cli.importing.reading.input_form import InputForm
from cli.importing.reading.json_cursor import JsonCursor
from cli.importing.reading.json_list import name_at
from cli.importing.reading.recognising.wrong_form import NAMES, ONE_A_LINE, WrongForm
from cli.importing.records import Form

if TYPE_CHECKING:
    from cli.importing.options import ImportOptions
    from cli.importing.reading.recognising.beginning import Beginning

_ENOUGH_OBJECTS: Final = 10
"""This many objects without an email are no signups, even where further ones follow."""

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""A field's name that may be shown in a message and in a command."""

_LIST_BEGINS: Final = re.compile(r"\[\s*+[{\]]")
"""How a list of objects begins, although it may be broken behind that."""

_LIST_OF_A_SIGNUP: Final = "addresses"
"""The only list of objects in a signup."""

_MAXIMUM_OBJECTS: Final = 8
"""How many objects a list that is looked for may be inside of."""

_DECODER: Final = json.JSONDecoder(parse_int=lambda digits: digits, parse_float=lambda digits: digits)
"""Leaves numbers as text. They are not needed, and converting an integer of very many digits takes very long."""


def json_form(beginning: Beginning, options: ImportOptions) -> InputForm | WrongForm | None:
    """What a text is that may be JSON; None where it is none.

    Single lines that are no objects do not matter: they are refused one by one.
    """
    first = beginning.texts[0]
    if first.startswith(("{", "[")) and is_begun(first, cut=beginning.cut and len(beginning.texts) == 1):
        return _value_over_lines(beginning, options)
    values = [_value(text) for text in beginning.texts]
    objects = [value for value in values if isinstance(value, dict)]
    if objects:
        return _of_objects(objects, beginning, options)
    if isinstance(values[0], list) or _LIST_BEGINS.match(first):
        return _array(options)
    return _broken_object(first) if first.startswith("{") else None


def is_begun(line: str, *, cut: bool) -> bool:
    """Whether a JSON value begins in this line and goes on in the next, so that its objects span lines."""
    try:
        _DECODER.raw_decode(line)
    except json.JSONDecodeError as error:
        return error.pos >= len(line) or (cut and error.msg.startswith("Unterminated string"))
    except RecursionError:
        return False
    return False


def _array(options: ImportOptions) -> InputForm | WrongForm:
    if options.list_name and not options.preset:
        return WrongForm("one JSON array, in which no list has a name", "Leave --list out.")
    return InputForm(kind=Form.JSON_LIST)


def _value_over_lines(beginning: Beginning, options: ImportOptions) -> InputForm | WrongForm:
    text = "\n".join(beginning.texts)
    if text.startswith("["):
        return _array(options)
    if (form := _holder(text, beginning, options)) is not None:
        return form
    if beginning.cut and len(beginning.texts) == 1:
        return InputForm(kind=Form.JSON_LINES)  # one row, longer than what is looked at: it is refused as too long
    return WrongForm("JSON whose objects go over several lines", f"{ONE_A_LINE}: jq -c . FILE > signups.jsonl")


def _of_objects(objects: list[dict[str, Any]], beginning: Beginning, options: ImportOptions) -> InputForm | WrongForm:
    has_email = any("email" in each for each in objects)
    is_one = len(objects) == 1 and len(beginning.texts) == 1
    if is_one and (form := _holder(beginning.texts[0], beginning, options)) is not None:
        return form
    if options.list_name and not options.preset:
        return WrongForm("JSON lines, where each line is a row", "Leave --list out.")
    is_mapped = bool(options.mapping or options.preset)
    if has_email or is_mapped or (not beginning.complete and len(objects) < _ENOUGH_OBJECTS):
        return InputForm(kind=Form.JSON_LINES)
    which = "its object has no" if len(objects) == 1 else f"not one of its first {len(objects):,} objects has an"
    to_do = f"{ONE_A_LINE} {NAMES}, or say which names they have: --map email=NAME."
    return WrongForm(f"no file of signups: {which} email", to_do)


def _holder(text: str, beginning: Beginning, options: ImportOptions) -> InputForm | WrongForm | None:
    """The object as one that holds the customers in a list; None where it holds none."""
    lists, names = _lists(text)
    wanted = options.list_name
    if wanted:
        if beginning.complete and wanted not in lists:
            return WrongForm(f"one JSON object without a list {wanted}{_shown(lists)}", "Give another --list.")
        return InputForm(kind=Form.JSON_LIST, list_name=wanted)
    filled = [name for name, is_filled in lists.items() if is_filled and name.split(".")[-1] != _LIST_OF_A_SIGNUP]
    fields = {"email", *(path.split(".")[0] for path in options.mapping.values())}
    if not filled or fields & names:
        return None
    if len(filled) > 1 or _PLAIN_NAME.fullmatch(filled[0].replace(".", "_")) is None:
        to_do = f"Say which one holds the customers: --list {next(iter(_plain(filled)), 'NAME')}."
        return WrongForm(f"one JSON object that holds several lists{_shown(filled)}", to_do)
    return InputForm(kind=Form.JSON_LIST, list_name=filled[0])


def _plain(names: list[str]) -> list[str]:
    return [name for name in names if _PLAIN_NAME.fullmatch(name.replace(".", "_"))]


def _shown(names: Any) -> str:
    plain = _plain(list(names))[:_ENOUGH_OBJECTS]
    return f" ({', '.join(plain)})" if plain else ""


def _lists(text: str) -> tuple[dict[str, bool], set[str]]:
    """The lists in an object and the objects in it, each with whether it holds objects; and the object's names."""
    lists: dict[str, bool] = {}
    top: set[str] = set()
    cursor = JsonCursor(io.BytesIO(text.encode("utf-8", errors="replace")))
    # Only the beginning of the document is looked at, which may end anywhere.
    with suppress(BrokenContentError):
        _collect(cursor, (), lists, top)
    return lists, top


def _collect(cursor: JsonCursor, path: tuple[str, ...], lists: dict[str, bool], top: set[str]) -> None:
    cursor.take(b"{")
    while not cursor.take(b"}"):
        cursor.take(b",")
        name = name_at(cursor)
        if not path:
            top.add(name)
        here = (*path, name)
        if cursor.sign() == b"{" and len(here) < _MAXIMUM_OBJECTS:
            _collect(cursor, here, lists, top)
        elif cursor.take(b"["):
            lists[".".join(here)] = cursor.sign() == b"{"
            while not cursor.take(b"]"):
                cursor.value(maximum=0)
                cursor.take(b",")
        else:
            cursor.value(maximum=0)


def _broken_object(first: str) -> WrongForm:
    try:
        _, end = _DECODER.raw_decode(first)
    except json.JSONDecodeError as error:
        return WrongForm(
            f"no JSON: in the first row, {error.msg.removesuffix(' at')} at character {error.pos + 1:,}",
            f"{ONE_A_LINE}.",
        )
    except RecursionError:
        return WrongForm("no JSON that is taken: the first row is nested too deeply", f"{ONE_A_LINE}.")
    if first[end:].lstrip().startswith("{"):
        return WrongForm("JSON with several objects in one line", f"{ONE_A_LINE}: jq -c . FILE > signups.jsonl")
    return WrongForm("no JSON lines: something follows the first object in its line", f"{ONE_A_LINE}.")


def _value(text: str) -> Any:
    """The JSON value of a line; None where the line is no JSON."""
    try:
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return value if end == len(text) else None
