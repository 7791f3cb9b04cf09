"""What a request says in its headers, its query and its body, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schemas.strict_json import InvalidJsonError, parse_object

if TYPE_CHECKING:
    from starlette.requests import Request

MAXIMUM_WAIT_SECONDS: Final = 60
_MAXIMUM_KEY_CHARACTERS: Final = 255

_VISIBLE_ASCII: Final = re.compile(r"[\x21-\x7e]+")
_QUOTED_KEY: Final = re.compile(r'"((?:[\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_ESCAPED: Final = re.compile(r"\\(.)")
# RFC 7240, section 2: at commas outside quoted strings; one that is not closed takes the rest with it.
_PREFERENCES: Final = re.compile(r"""(?:[^",]|"(?:[^"\\]|\\.)*(?:"|\\?\Z))+""")
_PREFERENCE: Final = re.compile(
    # A token, a value that is a token or a quoted string, parameters. Written so that it never backtracks far.
    r"""(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"(?P<quoted>[^"\\]*)"|(?P<token>[^\s",;]*)))?\s*(?:;.*)?"""
)
_DIGITS: Final = re.compile(r"[0-9]{1,6}")


class InvalidRequestPartError(Exception):
    """A part of the request breaks its rules; neither text repeats what was sent."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class UnsupportedMediaTypeError(Exception):
    """The body is not announced as plain JSON in UTF-8."""


class PayloadTooLargeError(Exception):
    """The body is larger than the limit."""


@dataclass(frozen=True, slots=True)
class ResultQuery:
    """Which result is asked for, and how long the call may be held."""

    task_id: str
    wait_seconds: int


async def read_json_body(request: Request, *, maximum_bytes: int) -> tuple[bytes, dict[str, Any]]:
    """The body as it came, and the object that it holds.

    Raises:
        UnsupportedMediaTypeError: as it says.
        PayloadTooLargeError: by its Content-Length, before any of it is read, or as soon as it exceeds the limit.
        InvalidRequestPartError: it is not a JSON object.
    """
    if not _is_json(request):
        raise UnsupportedMediaTypeError
    length = request.headers.get("content-length", "")
    if _DIGITS.fullmatch(length) is None and length.isdigit():
        raise PayloadTooLargeError
    if length.isdigit() and int(length) > maximum_bytes:
        raise PayloadTooLargeError
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > maximum_bytes:
            raise PayloadTooLargeError
    raw = bytes(body)
    try:
        return raw, parse_object(raw)
    except InvalidJsonError as error:
        raise InvalidRequestPartError("", str(error)) from None


def _is_json(request: Request) -> bool:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != "application/json":
        return False
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in {"utf-8", "utf8"}:
            return False
    return request.headers.get("content-encoding", "identity").strip().lower() in {"", "identity"}


def idempotency_key(request: Request) -> str | None:
    """The key of the `Idempotency-Key` header, None where there is none.

    Bare, or the quoted string of draft-ietf-httpapi-idempotency-key-header: both name the same key.

    Raises:
        InvalidRequestPartError: it is neither, is empty or too long, or comes more than once.
    """
    values = request.headers.getlist("idempotency-key")
    if not values:
        return None
    key = values[0].strip(" \t")
    if key.startswith('"'):
        quoted = _QUOTED_KEY.fullmatch(key)
        key = "" if quoted is None else _ESCAPED.sub(r"\1", quoted.group(1))
    if len(values) > 1 or len(key) > _MAXIMUM_KEY_CHARACTERS or _VISIBLE_ASCII.fullmatch(key) is None:
        raise InvalidRequestPartError(
            "Idempotency-Key", f"must be 1 to {_MAXIMUM_KEY_CHARACTERS} visible ASCII characters, bare or quoted, once"
        )
    return key


def preferred_wait(request: Request) -> int | None:
    """Seconds that `Prefer: wait=N` asks for, at most 60; None where it does not, or not in RFC 7240's form."""
    for preference in _PREFERENCES.findall(",".join(request.headers.getlist("prefer"))):
        match = _PREFERENCE.fullmatch(preference.strip())
        if match is None or match["name"].lower() != "wait":
            continue
        value = match["quoted"] if match["quoted"] is not None else match["token"] or ""
        # The first of several counts, also where it makes no sense (RFC 7240, section 2).
        return min(int(value), MAXIMUM_WAIT_SECONDS) if _DIGITS.fullmatch(value) else None
    return None


def result_query(request: Request) -> ResultQuery:
    """What a GET asks for in its query.

    Raises:
        InvalidRequestPartError: `id` is missing or there twice, or `wait` is no whole number from 0 to 60.
    """
    ids, waits = request.query_params.getlist("id"), request.query_params.getlist("wait")
    if len(ids) != 1 or not ids[0]:
        raise InvalidRequestPartError("id", "is required, once")
    if not waits:
        return ResultQuery(ids[0], 0)
    if len(waits) > 1 or _DIGITS.fullmatch(waits[0]) is None:
        raise _invalid_wait()
    return _with_wait(ids[0], int(waits[0]))


def result_query_from_body(document: dict[str, Any]) -> ResultQuery:
    """What a POST asks for in its body: `{"id": "…", "wait": N}`; raises as `result_query` does."""
    for name in document:
        if name not in {"id", "wait"}:
            raise InvalidRequestPartError(name[:_MAXIMUM_KEY_CHARACTERS], "is not an argument of this method")
    task_id, wait = document.get("id"), document.get("wait", 0)
    if not isinstance(task_id, str) or not task_id:
        raise InvalidRequestPartError("id", "is required and must be a string")
    if not isinstance(wait, int) or isinstance(wait, bool):
        raise _invalid_wait()
    return _with_wait(task_id, wait)


def _with_wait(task_id: str, wait: int) -> ResultQuery:
    if not 0 <= wait <= MAXIMUM_WAIT_SECONDS:
        raise _invalid_wait()
    return ResultQuery(task_id, wait)


def _invalid_wait() -> InvalidRequestPartError:
    return InvalidRequestPartError("wait", f"must be a whole number from 0 to {MAXIMUM_WAIT_SECONDS}")


def caller_request_id(value: str | None) -> str | None:
    """The caller's `x-request-id` where it may be repeated: up to 128 visible ASCII characters."""
    if value is None or len(value) > 128 or _VISIBLE_ASCII.fullmatch(value) is None:  # noqa: PLR2004
        return None
    return value
