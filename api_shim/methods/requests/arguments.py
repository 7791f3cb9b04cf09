"""Reads and checks the arguments of a call: in its headers, its query, or the JSON of its body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from edge.request import InvalidRequestPartError
from edge.request_ids import VISIBLE_ASCII

if TYPE_CHECKING:
    from edge.request import HttpRequest

MAXIMUM_WAIT_SECONDS: Final = 60
"""How many seconds a call may wait for its outcome at most."""
_MAXIMUM_KEY_CHARACTERS: Final = 255
"""How many characters an idempotency key may have."""

# Clients choose the text that these patterns read. Every repetition is possessive (`++`, `*+`): it never gives a
# character back. So any text that does not match is refused after one pass over it.
_QUOTED_KEY: Final = re.compile(r'"((?:[\x21\x23-\x5b\x5d-\x7e]++|\\["\\])*+)"')
"""An idempotency key in the quoted form of the IETF draft."""
_ESCAPED: Final = re.compile(r"\\(.)")
"""One escaped character in a quoted string."""
# RFC 7240, section 2: commas separate preferences, except inside quoted strings. A quoted string without an end takes
# the rest of the header.
_PREFERENCES: Final = re.compile(r"""(?:[^",]++|"(?:[^"\\]++|\\.)*+(?:"|\\?+\Z))++""", re.DOTALL)
"""One preference of a `Prefer` header, without the comma that ends it."""
_PREFERENCE: Final = re.compile(
    # The name is a token. The value is a token or a quoted string. Parameters may follow.
    r"""(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]++)"""
    r"""(?:\s*+=\s*+(?:"(?P<quoted>[^"\\]*+)"|(?P<token>[^\s",;]*+)))?+\s*+(?:;.*+)?+""",
    re.DOTALL,
)
"""The name and the value of one preference (RFC 7240)."""
_DIGITS: Final = re.compile(r"[0-9]{1,6}+")
"""A whole number of seconds, as text."""
_RESULT_ARGUMENTS: Final = frozenset({"id", "wait"})
"""The arguments of a result call, in its query or its body."""


@dataclass(frozen=True, slots=True)
class ResultQuery:
    """Which task's result a call asks for, and how many seconds the call waits for it."""

    task_id: str
    wait_seconds: int


def idempotency_key(request: HttpRequest) -> str | None:
    """The key in the `Idempotency-Key` header, or None if there is no such header.

    A client writes the key bare, or as the quoted string of draft-ietf-httpapi-idempotency-key-header. Both forms name
    the same key.

    Raises:
        InvalidRequestPartError: the key has neither form, is empty or too long, or came more than once.
    """
    values = request.headers(b"idempotency-key")
    if not values:
        return None
    key = values[0].strip(" \t")
    if key.startswith('"'):
        quoted = _QUOTED_KEY.fullmatch(key)
        key = "" if quoted is None else _ESCAPED.sub(r"\1", quoted.group(1))
    if len(values) > 1 or len(key) > _MAXIMUM_KEY_CHARACTERS or VISIBLE_ASCII.fullmatch(key) is None:
        raise InvalidRequestPartError(
            "Idempotency-Key", f"must be 1 to {_MAXIMUM_KEY_CHARACTERS} visible ASCII characters, bare or quoted, once"
        )
    return key


def preferred_wait(request: HttpRequest) -> int | None:
    """How many seconds `Prefer: wait=N` asks for, at most 60. None if there is no such preference, or it is invalid."""
    values = request.headers(b"prefer")
    if not values:
        return None
    for preference in _PREFERENCES.findall(",".join(values)):
        match = _PREFERENCE.fullmatch(preference.strip())
        if match is None or match["name"].lower() != "wait":
            continue
        value = match["quoted"] if match["quoted"] is not None else match["token"] or ""
        # Of several `wait` preferences the first one counts, even if its value is invalid (RFC 7240, section 2).
        return min(int(value), MAXIMUM_WAIT_SECONDS) if _DIGITS.fullmatch(value) else None
    return None


def result_query(request: HttpRequest) -> ResultQuery:
    """Read the query of a result call by GET.

    Raises:
        InvalidRequestPartError: `id` is missing, empty or repeated, `wait` is repeated or no whole number from 0 to 60,
            or the query has any other argument.
    """
    pairs = parse_qsl(request.query.decode("latin-1"), keep_blank_values=True)
    for name, _ in pairs:
        _require_argument(name)
    ids, waits = ([value for name, value in pairs if name == wanted] for wanted in ("id", "wait"))
    if len(ids) != 1 or not ids[0]:
        raise InvalidRequestPartError("id", "is required, once")
    if not waits:
        return ResultQuery(ids[0], 0)
    if len(waits) > 1 or _DIGITS.fullmatch(waits[0]) is None:
        raise _invalid_wait()
    return _with_wait(ids[0], int(waits[0]))


def result_query_from_body(document: dict[str, Any]) -> ResultQuery:
    """Read the body of a result call by POST: `{"id": "…", "wait": N}`, where `wait` may be missing.

    Raises:
        InvalidRequestPartError: `id` is missing, empty or no string, `wait` is no whole number from 0 to 60, or the
            object has any other field.
    """
    for name in document:
        _require_argument(name)
    task_id, wait = document.get("id"), document.get("wait", 0)
    if not isinstance(task_id, str) or not task_id:
        raise InvalidRequestPartError("id", "is required and must be a string")
    if not isinstance(wait, int) or isinstance(wait, bool):
        raise _invalid_wait()
    return _with_wait(task_id, wait)


def _require_argument(name: str) -> None:
    if name not in _RESULT_ARGUMENTS:
        raise InvalidRequestPartError(name[:_MAXIMUM_KEY_CHARACTERS], "is not an argument of this method")


def _with_wait(task_id: str, wait: int) -> ResultQuery:
    if not 0 <= wait <= MAXIMUM_WAIT_SECONDS:
        raise _invalid_wait()
    return ResultQuery(task_id, wait)


def _invalid_wait() -> InvalidRequestPartError:
    return InvalidRequestPartError("wait", f"must be a whole number from 0 to {MAXIMUM_WAIT_SECONDS}")
