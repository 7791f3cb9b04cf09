"""Reads and checks the headers, the query and the body of a request."""

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
"""How many seconds a call may wait for its outcome at most."""
_MAXIMUM_KEY_CHARACTERS: Final = 255
"""How many characters an idempotency key may have."""

# Clients choose the text that these patterns read. Every repetition is possessive (`++`, `*+`): it never gives a
# character back. So any text that does not match is refused after one pass over it.
_VISIBLE_ASCII: Final = re.compile(r"[\x21-\x7e]++")
"""The characters that an idempotency key or a request id may have."""
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
_JSON: Final = "application/json"
"""The content type that a body must have."""
_RESULT_ARGUMENTS: Final = frozenset({"id", "wait"})
"""The arguments of a result call, in its query or its body."""


class InvalidRequestPartError(Exception):
    """A part of the request, `field`, breaks the rule in `message`. Neither text repeats what was sent."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class UnsupportedMediaTypeError(Exception):
    """The headers do not announce the body as uncompressed JSON in UTF-8."""


class HttpRequest:
    """A request as methods read it. Of a header that came several times, `header` gives the first, `headers` all."""

    __slots__ = ("_headers", "_receive", "_scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    @property
    def method(self) -> str:
        """The HTTP method, in capitals."""
        return str(self._scope["method"])

    @property
    def route(self) -> str:
        """The path of the route that matched. It is a text of this service, never one that a client chose."""
        return str(self._scope["route"].path)

    @property
    def query(self) -> bytes:
        """The part of the URL after the question mark, not decoded."""
        return bytes(self._scope["query_string"])

    def header(self, name: bytes) -> str | None:
        """The first header with this name, or None. The name must be in lower case."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    def headers(self, name: bytes) -> list[str]:
        """All headers with this name, in their order. The name must be in lower case."""
        if name not in self._headers:
            return []
        return [value.decode("latin-1") for each, value in self._scope["headers"] if each == name]

    def belongs_to(self, task_id: str) -> None:
        """Put the task's id into the log line of this request."""
        self._scope["state"]["task_id"] = task_id

    def belongs_to_batch(self, batch_id: str) -> None:
        """Put the batch's id into the log line of this request."""
        self._scope["state"]["batch_id"] = batch_id

    def refused_for(self, reason: str) -> None:
        """Put the reason for a refusal into the request's log line: a code of ours, never a text that was sent."""
        self._scope["state"]["reason"] = reason

    async def next_body(self) -> tuple[bytes, bool]:
        """Receive the next piece of the body, and whether more will follow.

        Raises:
            ClientDisconnect: the client has left.
        """
        message = await self._receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        return message.get("body", b""), message.get("more_body", False)

    async def until_disconnected(self) -> NoReturn:
        """Wait until the client leaves, and throw away what it sends until then.

        Raises:
            ClientDisconnect: the client has left. This is the only way in which the call ends.
        """
        while (await self._receive())["type"] != "http.disconnect":
            pass
        raise ClientDisconnect


@dataclass(frozen=True, slots=True)
class ResultQuery:
    """Which task's result a call asks for, and how many seconds the call waits for it."""

    task_id: str
    wait_seconds: int


async def read_json_body(request: HttpRequest, bodies: Bodies) -> tuple[bytes, dict[str, Any]]:
    """Read the body. Returns its bytes as they came, and the JSON object in them.

    Raises:
        UnsupportedMediaTypeError: the headers do not announce uncompressed JSON in UTF-8.
        InvalidRequestPartError: the body is not a JSON object.
        PayloadTooLargeError, BodyTooSlowError, ClientDisconnect: see `Bodies.read`.
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
    if len(values) > 1 or len(key) > _MAXIMUM_KEY_CHARACTERS or _VISIBLE_ASCII.fullmatch(key) is None:
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


def caller_request_id(value: str) -> str | None:
    """The caller's `x-request-id` if the answer may repeat it: 1 to 128 visible ASCII characters. Otherwise None."""
    if len(value) > 128 or _VISIBLE_ASCII.fullmatch(value) is None:  # noqa: PLR2004
        return None
    return value
