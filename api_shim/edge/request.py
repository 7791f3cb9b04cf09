"""What a request says in its headers, its query and its body, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect

from schemas.strict_json import InvalidJsonError, parse_object

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

    from api_shim.edge.bodies import Bodies

MAXIMUM_WAIT_SECONDS: Final = 60
"""The longest wait for an outcome that a call may ask for."""
_MAXIMUM_KEY_CHARACTERS: Final = 255
"""The longest idempotency key."""

# Clients choose what these patterns read. Every repetition is possessive (`++`, `*+`): it gives back nothing that it
# has taken. So a text that does not match is refused after one pass over it, however it is made.
_VISIBLE_ASCII: Final = re.compile(r"[\x21-\x7e]++")
"""Characters that an idempotency key may hold."""
_QUOTED_KEY: Final = re.compile(r'"((?:[\x21\x23-\x5b\x5d-\x7e]++|\\["\\])*+)"')
"""An idempotency key as a quoted string of the IETF draft."""
_ESCAPED: Final = re.compile(r"\\(.)")
"""An escaped character of a quoted string."""
# RFC 7240, section 2: at commas outside quoted strings; one that is not closed takes the rest with it.
_PREFERENCES: Final = re.compile(r"""(?:[^",]++|"(?:[^"\\]++|\\.)*+(?:"|\\?+\Z))++""", re.DOTALL)
"""Each preference of a `Prefer` header, up to the comma that ends it."""
_PREFERENCE: Final = re.compile(
    # A token, a value that is a token or a quoted string, parameters.
    r"""(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]++)"""
    r"""(?:\s*+=\s*+(?:"(?P<quoted>[^"\\]*+)"|(?P<token>[^\s",;]*+)))?+\s*+(?:;.*+)?+""",
    re.DOTALL,
)
"""The name and the value of one preference (RFC 7240)."""
_DIGITS: Final = re.compile(r"[0-9]{1,6}+")
"""A number of seconds as text."""
_JSON: Final = "application/json"
"""The content type of a body."""
_RESULT_ARGUMENTS: Final = frozenset({"id", "wait"})
"""The query names that reading a result has."""


class InvalidRequestPartError(Exception):
    """A part of the request breaks its rules; neither text repeats what was sent."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class UnsupportedMediaTypeError(Exception):
    """The body is not announced as plain JSON in UTF-8."""


class HttpRequest:
    """A request as the methods read it. What came more than once counts as it came first, unless asked for all."""

    __slots__ = ("_headers", "_receive", "_scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    @property
    def method(self) -> str:
        """In capitals."""
        return str(self._scope["method"])

    @property
    def route(self) -> str:
        """The path of the route that it came by, which is ours, not the client's."""
        return str(self._scope["route"].path)

    @property
    def query(self) -> bytes:
        """What follows the path's question mark."""
        return bytes(self._scope["query_string"])

    def header(self, name: bytes) -> str | None:
        """The header of this lower-case name."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    def headers(self, name: bytes) -> list[str]:
        """All headers of this name."""
        if name not in self._headers:
            return []
        return [value.decode("latin-1") for each, value in self._scope["headers"] if each == name]

    def belongs_to(self, task_id: str) -> None:
        """Let the request's log line name the task."""
        self._scope["state"]["task_id"] = task_id

    def refused_for(self, reason: str) -> None:
        """Let the request's log line say why; a code of ours, never anything that was sent."""
        self._scope["state"]["reason"] = reason

    async def next_body(self) -> tuple[bytes, bool]:
        """The body's next piece, and whether there is more.

        Raises:
            ClientDisconnect: the client has left.
        """
        message = await self._receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        return message.get("body", b""), message.get("more_body", False)

    async def until_disconnected(self) -> NoReturn:
        """Raise `ClientDisconnect` when the client has left."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        raise ClientDisconnect


@dataclass(frozen=True, slots=True)
class ResultQuery:
    """Which result is asked for, and how long the call may be held."""

    task_id: str
    wait_seconds: int


async def read_json_body(request: HttpRequest, bodies: Bodies) -> tuple[bytes, dict[str, Any]]:
    """The body as it came, and the object that it holds.

    Raises:
        UnsupportedMediaTypeError: as it says.
        InvalidRequestPartError: it is not a JSON object.
        Exception: what `Bodies.read` raises.
    """
    if not _is_json(request):
        raise UnsupportedMediaTypeError
    body = await bodies.read(request)
    try:
        return body, parse_object(body)
    except InvalidJsonError as error:
        raise InvalidRequestPartError("", str(error)) from None


def _is_json(request: HttpRequest) -> bool:
    content_type = request.header(b"content-type") or ""
    if content_type != _JSON:
        media_type, _, parameters = content_type.partition(";")
        if media_type.strip().lower() != _JSON:
            return False
        for parameter in parameters.split(";"):
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in {"utf-8", "utf8"}:
                return False
    return (request.header(b"content-encoding") or "").strip().lower() in {"", "identity"}


def idempotency_key(request: HttpRequest) -> str | None:
    """The key of the `Idempotency-Key` header, None where there is none.

    Bare, or the quoted string of draft-ietf-httpapi-idempotency-key-header: both name the same key.

    Raises:
        InvalidRequestPartError: it is neither, is empty or too long, or comes more than once.
    """
    values = request.headers(b"idempotency-key")
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


def preferred_wait(request: HttpRequest) -> int | None:
    """Seconds that `Prefer: wait=N` asks for, at most 60; None where it does not, or not in RFC 7240's form."""
    values = request.headers(b"prefer")
    if not values:
        return None
    for preference in _PREFERENCES.findall(",".join(values)):
        match = _PREFERENCE.fullmatch(preference.strip())
        if match is None or match["name"].lower() != "wait":
            continue
        value = match["quoted"] if match["quoted"] is not None else match["token"] or ""
        # The first of several counts, also where it makes no sense (RFC 7240, section 2).
        return min(int(value), MAXIMUM_WAIT_SECONDS) if _DIGITS.fullmatch(value) else None
    return None


def result_query(request: HttpRequest) -> ResultQuery:
    """What a GET asks for in its query.

    Raises:
        InvalidRequestPartError: `id` is missing or there twice, `wait` is no whole number from 0 to 60, or the query
            has another name.
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
    """What a POST asks for in its body: `{"id": "…", "wait": N}`; raises as `result_query` does."""
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


def caller_request_id(value: str) -> str | None:
    """The caller's `x-request-id` where it may be repeated: up to 128 visible ASCII characters."""
    if len(value) > 128 or _VISIBLE_ASCII.fullmatch(value) is None:  # noqa: PLR2004
        return None
    return value
