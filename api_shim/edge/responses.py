"""Every HTTP answer of the methods: the one place that knows status codes, headers and the bodies around outcomes."""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import ClientDisconnect

from schemas.protocol.keys import State

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from starlette.types import Receive, Scope, Send

_MAXIMUM_ECHOED_ID_CHARACTERS: Final = 128
"""The longest request id of a client's that is taken over."""
_RETRY_RESULT_SECONDS: Final = 1
"""`Retry-After` while an outcome is not there yet."""
_RETRY_BROKER_SECONDS: Final = 2
"""`Retry-After` while Redis cannot be used."""
_RETRY_QUEUE_SECONDS: Final = 5
"""`Retry-After` while the queue is full."""

_Headers = dict[str, str]


class Answer:
    """An answer in the form that goes over the wire; an ASGI application that answers with it."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


class StreamedAnswer:
    """An answer whose body is made while it is sent; an ASGI application that answers with it.

    The next piece is asked for once the client has room for it, so a slow client costs one piece of memory. Where the
    client leaves, whatever `pieces` waits for is cancelled and the generator is closed: its `finally` runs, and
    `ClientDisconnect` tells the layers around. What `pieces` raises ends the connection, so that the client cannot
    take what it has for the whole. What the client still sends meanwhile is thrown away.
    """

    __slots__ = ("_pieces", "headers", "status")

    def __init__(self, status: int, pieces: AsyncGenerator[bytes, None], headers: list[tuple[bytes, bytes]]) -> None:
        """`headers` without a length: the server sends the body in chunks."""
        self.status = status
        self.headers = headers
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; the answer to HEAD has no body, and none is made."""
        async with aclosing(self._pieces) as pieces:
            await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
            if scope["method"] != "HEAD":
                await _send_while_wanted(pieces, receive, send)
            await send({"type": "http.response.body", "body": b""})


async def _send_while_wanted(pieces: AsyncGenerator[bytes, None], receive: Receive, send: Send) -> None:
    left = asyncio.timeout(None)
    # Begun after the head was sent: before that, asking for the body would tell a client to send it.
    leaving = asyncio.create_task(_end_when_left(receive, left))
    try:
        async with left:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    except TimeoutError:
        if left.expired():
            raise ClientDisconnect from None
        raise
    finally:
        leaving.cancel()


async def _end_when_left(receive: Receive, sending: asyncio.Timeout) -> None:
    """Let the time of what is sent be over as soon as the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
    sending.reschedule(asyncio.get_running_loop().time())


_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
"""Encodes an answer's body: compact, with characters beyond ASCII as they are."""
_ON_EVERY_ANSWER: Final = ((b"cache-control", b"no-store"), (b"content-type", b"application/json"))
"""Headers of every JSON answer."""


def _answer(status: int, body: Mapping[str, Any], headers: _Headers | None = None) -> Answer:
    content = _JSON.encode(body).encode("utf-8", "replace")
    raw = [*_ON_EVERY_ANSWER, (b"content-length", b"%d" % len(content))]
    if headers is not None:
        raw += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return Answer(status, content, raw)


def _task(status: int, task_id: str, state: State, headers: _Headers) -> Answer:
    return _answer(status, {"ok": True, "task": {"id": task_id, "status": state}}, headers)


def _failure(
    status: int, error: str, *, data: Mapping[str, Any] | None = None, headers: _Headers | None = None
) -> Answer:
    body: dict[str, Any] = {"ok": False, "error": error}
    if data is not None:
        body["data"] = data
    return _answer(status, body, headers)


def accepted(task_id: str, state: State, *, location: str) -> Answer:
    """202: the promise, with where its outcome will be."""
    return _task(
        202,
        task_id,
        state,
        {"location": location, "retry-after": str(_RETRY_RESULT_SECONDS), "vary": "Prefer"},
    )


def created_in_time(response: Mapping[str, Any], *, waited_for: int) -> Answer:
    """200 to a create call that waited: the documented response."""
    return _answer(200, response, {"preference-applied": f"wait={waited_for}", "vary": "Prefer"})


def unfinished(task_id: str, state: State) -> Answer:
    """202 to a result call: ask again."""
    # A record whose outcome is being written is finished with the next call.
    shown = state if state in {State.PENDING, State.RETRY} else State.STARTED
    return _task(202, task_id, shown, {"retry-after": str(_RETRY_RESULT_SECONDS)})


def finished(response: Mapping[str, Any]) -> Answer:
    """200 to a result call: the documented response."""
    return _answer(200, response)


def validation_error(field: str, message: str) -> Answer:
    """400: the request itself, not the customer, has a fault."""
    return _failure(400, "validation_error", data={"errors": [{"field": field, "message": message}]})


def invalid_token(description: str | None) -> Answer:
    """401. A call that carried no token at all is told no more than the scheme (RFC 6750, section 3.1)."""
    challenge = "Bearer" if description is None else f'Bearer error="invalid_token", error_description="{description}"'
    return _failure(401, "invalid_token", headers={"www-authenticate": challenge})


def insufficient_scope(scope: str) -> Answer:
    """403, with a scope that would do."""
    challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
    return _failure(403, "insufficient_scope", headers={"www-authenticate": challenge})


def task_not_found(task_id: str) -> Answer:
    """404 to a result call."""
    return _failure(404, "task_not_found", data={"id": task_id[:_MAXIMUM_ECHOED_ID_CHARACTERS]})


def not_found() -> Answer:
    """404: no such path."""
    return _failure(404, "not_found")


def method_not_allowed(allow: str) -> Answer:
    """405."""
    return _failure(405, "method_not_allowed", headers={"allow": allow})


def malformed_request() -> Answer:
    """400 to what can be read in two ways; the connection ends. What is no HTTP at all gets the server's own."""
    return _failure(400, "malformed_request", headers={"connection": "close"})


def request_timeout() -> Answer:
    """408 to a request whose rest does not come; the connection ends."""
    return _failure(408, "request_timeout", headers={"connection": "close"})


def payload_too_large() -> Answer:
    """413, while the rest of the body may still come: whoever sends all of it can read why."""
    return _failure(413, "payload_too_large")


def unsupported_media_type() -> Answer:
    """415."""
    return _failure(415, "unsupported_media_type")


def idempotency_key_reused() -> Answer:
    """422."""
    return _failure(422, "idempotency_key_reused")


def queue_full() -> Answer:
    """429 to everyone."""
    return _failure(429, "queue_full", headers={"retry-after": str(_RETRY_QUEUE_SECONDS)})


def rate_limited(retry_after_seconds: float) -> Answer:
    """429 to this caller."""
    return _failure(429, "rate_limited", headers={"retry-after": str(max(1, math.ceil(retry_after_seconds)))})


def dead_letter(task_id: str) -> Answer:
    """500: the work failed for a reason of the service's own, and an operator has it."""
    return _failure(500, "internal_error", data={"id": task_id})


def internal_error() -> Answer:
    """500: a fault in this process."""
    return _failure(500, "internal_error")


def service_unavailable() -> Answer:
    """503: nothing was accepted, as far as is known; a repeat with an idempotency key is safe."""
    return _failure(503, "service_unavailable", headers={"retry-after": str(_RETRY_BROKER_SECONDS)})


def healthy() -> Answer:
    """200 to a probe."""
    return _answer(200, {"ok": True})


def not_alive(dead: list[str]) -> Answer:
    """503 to the health probe, with the tasks of this process that have ended: it has to be restarted."""
    return _failure(503, "not_alive", data={"dead": dead})


def not_ready(missing: list[str]) -> Answer:
    """503 to the readiness probe, with what is missing."""
    return _failure(503, "not_ready", data={"missing": missing})
