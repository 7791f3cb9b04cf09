"""Recognises text that is not JSON lines: other JSON, tables, markup."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from cli.submission.input_form.wrong_form import WrongForm

_ONE_A_LINE: Final = "Write one JSON object a line"
"""The beginning of a sentence on what to do."""

_NAMES: Final = "with the names email, password, firstName, lastName"
"""The end of such a sentence: the fields that a signup must have."""

_ENOUGH_OBJECTS: Final = 10
"""This many objects without an email are no signups, even where further ones follow."""
_COLUMNS: Final = ((",", "commas"), (";", "semicolons"), ("\t", "tabs"), ("|", "bars"))
"""Signs that separate the columns of a table, and their names."""

_LIST_OF_OBJECTS: Final = re.compile(r'"([A-Za-z_][A-Za-z0-9_]{0,63})"\s*+:\s*+\[\s*+\{')
"""A field of an object that holds a list of objects."""

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""A field's name that may be shown in a message and in a command."""

_LIST_OF_A_SIGNUP: Final = "addresses"
"""The only list of objects in a signup."""

_DECODER: Final = json.JSONDecoder(parse_int=lambda digits: digits, parse_float=lambda digits: digits)
"""Leaves numbers as text. They are not needed, and converting an integer of very many digits takes very long."""


def text_form(lines: list[tuple[int, bytes]], *, complete: bool, cut: bool) -> WrongForm | None:
    """What a text is where it is not one JSON object a line; None where it is.

    Single lines that are no objects do not matter: the service refuses them one by one.

    Args:
        lines: the first lines that are not blank, each with its number.
        complete: whether no further line follows.
        cut: whether the last of them is incomplete.
    """
    texts = [line.decode("utf-8", errors="replace") for _, line in lines]
    if not texts:
        return None
    first = texts[0]
    if first.startswith(("{", "[")) and _is_begun(first, cut=cut and len(texts) == 1):
        return _value_over_lines(texts, complete=complete, cut=cut)
    values = [_value(text) for text in texts]
    objects = [value for value in values if isinstance(value, dict)]
    if objects:
        return _not_signups(objects, complete=complete)
    if isinstance(values[0], list):
        return WrongForm("one JSON array", _split(".[]"))
    return _no_json_lines(texts)


def _value_over_lines(texts: list[str], *, complete: bool, cut: bool) -> WrongForm | None:
    head = "\n".join(texts)
    if head.startswith("["):
        return WrongForm("one JSON array", _split(".[]"))
    name = _list_name(head, complete=complete)
    if name is not None:
        return _holds_list(name)
    if cut and len(texts) == 1:
        return None  # one row, longer than what is looked at: the service says that it is too long
    return WrongForm("JSON whose objects go over several lines", _split("."))


def _is_begun(line: str, *, cut: bool) -> bool:
    """Whether a JSON value begins in this line and goes on in the next, so that its objects span lines."""
    try:
        _DECODER.raw_decode(line)
    except json.JSONDecodeError as error:
        return error.pos >= len(line) or (cut and error.msg.startswith("Unterminated string"))
    except RecursionError:
        return False
    return False


def _list_name(head: str, *, complete: bool) -> str | None:
    """The name of a list of objects that the first object holds, if no signup has a list of that name.

    Returns "" where the name cannot be shown, None where there is no such list.
    """
    if complete and isinstance(value := _value(head), dict):
        return _list_in(value)
    if '"email"' in head.partition("[")[0]:
        return None
    match = _LIST_OF_OBJECTS.search(head)
    return None if match is None or match[1] == _LIST_OF_A_SIGNUP else match[1]


def _list_in(value: dict[str, Any]) -> str | None:
    if "email" in value:
        return None
    for name, each in value.items():
        if name != _LIST_OF_A_SIGNUP and isinstance(each, list) and each and all(isinstance(one, dict) for one in each):
            return name if _PLAIN_NAME.fullmatch(name) else ""
    return None


def _not_signups(objects: list[dict[str, Any]], *, complete: bool) -> WrongForm | None:
    if any("email" in each for each in objects):
        return None
    if len(objects) == 1 and (name := _list_in(objects[0])) is not None:
        return _holds_list(name)
    if not complete and len(objects) < _ENOUGH_OBJECTS:
        return None
    which = "its object has no" if len(objects) == 1 else f"not one of its first {len(objects):,} objects has an"
    return WrongForm(f"no file of signups: {which} email", f"{_ONE_A_LINE} {_NAMES}.")


def _no_json_lines(texts: list[str]) -> WrongForm:
    first = texts[0]
    if first.startswith("<"):
        markup = "HTML" if "html" in first[:200].lower() else "XML or HTML"
        return WrongForm(markup, f"Was a page saved in place of the file? {_ONE_A_LINE}.")
    if first.startswith("{"):
        return _broken_object(first)
    if (sign := _columns(texts)) is not None:
        return WrongForm(
            f"a table with columns between {sign} (CSV)", f"Convert it to one JSON object a line {_NAMES}."
        )
    return WrongForm("no JSON lines: no line at its beginning is a JSON object", f"{_ONE_A_LINE} {_NAMES}.")


def _broken_object(first: str) -> WrongForm:
    try:
        _, end = _DECODER.raw_decode(first)
    except json.JSONDecodeError as error:
        return WrongForm(f"no JSON: in the first row, {error.msg} at character {error.pos + 1:,}", f"{_ONE_A_LINE}.")
    except RecursionError:
        return WrongForm("no JSON that is taken: the first row is nested too deeply", f"{_ONE_A_LINE}.")
    if first[end:].lstrip().startswith("{"):
        return WrongForm("JSON with several objects in one line", _split("."))
    return WrongForm("no JSON lines: something follows the first object in its line", f"{_ONE_A_LINE}.")


def _columns(texts: list[str]) -> str | None:
    first = texts[0]
    if first.lower().startswith("sep=") and len(first) == len("sep=,"):
        return dict(_COLUMNS).get(first[-1])
    sign, words = max(_COLUMNS, key=lambda column: first.count(column[0]))
    if sign not in first or (len(texts) > 1 and sign not in texts[1]):
        return None
    return words


def _holds_list(name: str) -> WrongForm:
    return WrongForm("one JSON object that holds a list", _split(f".{name}[]") if name else f"{_ONE_A_LINE}.")


def _split(query: str) -> str:
    return f"{_ONE_A_LINE}: jq -c '{query}' FILE > signups.jsonl"


def _value(text: str) -> Any:
    """The JSON value of a line; None where the line is no JSON."""
    try:
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return value if end == len(text) else None
