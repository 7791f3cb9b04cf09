"""Every HTTP answer of the methods. Only this module knows their status codes, headers and the JSON around outcomes."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from api_shim.edge.answers.answer import Answer
from schemas.protocol.keys import State

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAXIMUM_ECHOED_ID_CHARACTERS: Final = 128
"""How many characters of a task id the 404 repeats. A client may have sent any text in its place."""
_RETRY_RESULT_SECONDS: Final = 1
"""`Retry-After` of a 202, in seconds: the task has no outcome yet. It is longer where the task needs longer."""
_LONGEST_RETRY_RESULT_SECONDS: Final = 60
"""`Retry-After` of a 202 whose task needs longer: by then more is known."""
RETRY_BROKER_SECONDS: Final = 2
"""`Retry-After` of a 503, in seconds: Redis cannot be used."""
RETRY_QUEUE_SECONDS: Final = 5
"""`Retry-After` of a 429 for a full queue, in seconds."""

_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
"""Encodes the body of an answer: without spaces, and with characters beyond ASCII unescaped."""
_ON_EVERY_ANSWER: Final = ((b"cache-control", b"no-store"), (b"content-type", b"application/json"))
"""The headers that every JSON answer has."""

_Headers = dict[str, str]


def json_answer(status: int, body: Mapping[str, Any], headers: _Headers | None = None) -> Answer:
    """An answer with this body, and with these headers beside those that every answer has."""
    return _answer(status, _JSON.encode(body).encode("utf-8", "replace"), headers)


def encoded_answer(status: int, content: bytes) -> Answer:
    """An answer whose body is JSON already."""
    return _answer(status, content, None)


def _answer(status: int, content: bytes, headers: _Headers | None) -> Answer:
    raw = [*_ON_EVERY_ANSWER, (b"content-length", b"%d" % len(content))]
    if headers is not None:
        raw += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return Answer(status, content, raw)


def _task(status: int, task_id: str, state: State, headers: _Headers, *, more: str = "") -> Answer:
    # Neither an id nor a state needs escapes. The encoder would cost 3 of the 280 microseconds of an accept.
    return _answer(status, f'{{"ok":true,"task":{{"id":"{task_id}","status":"{state}"{more}}}}}'.encode(), headers)


def failure(
    status: int,
    error: str,
    *,
    data: Mapping[str, Any] | None = None,
    batch: Mapping[str, Any] | None = None,
    headers: _Headers | None = None,
) -> Answer:
    """A failure with this code; with `data` and with the `batch` that it is about, where there are such."""
    body: dict[str, Any] = {"ok": False, "error": error}
    if data is not None:
        body["data"] = data
    if batch is not None:
        body["batch"] = batch
    return json_answer(status, body, headers)


def accepted(task_id: str, state: State, *, location: str) -> Answer:
    """202 to a create call: the task is promised. `location` is the path at which its outcome can be read."""
    return _task(
        202,
        task_id,
        state,
        {"location": location, "retry-after": str(_RETRY_RESULT_SECONDS), "vary": "Prefer"},
    )


def created_in_time(response: Mapping[str, Any], *, waited_for: int) -> Answer:
    """200 to a create call whose outcome came while it waited: the documented response. `waited_for` is in seconds."""
    return json_answer(200, response, {"preference-applied": f"wait={waited_for}", "vary": "Prefer"})


def unfinished(
    task_id: str, state: State, *, accepted_at_milliseconds: int | None, seconds_left: float | None
) -> Answer:
    """202 to a result call: the task has no outcome yet, so the client asks again.

    Args:
        task_id: the task.
        state: its state.
        accepted_at_milliseconds: when it was accepted, in Unix milliseconds; None where that is not known.
        seconds_left: how long it takes still; None where that is not known.
    """
    # A record can show another state while its outcome is being written. The next call gets that outcome.
    shown = state if state in {State.PENDING, State.RETRY} else State.STARTED
    left = None if seconds_left is None else round(seconds_left, 1)
    accepted_at = shown_time(accepted_at_milliseconds)
    more = f',"acceptedAt":{json.dumps(accepted_at)},"secondsLeft":{json.dumps(left)}'
    retry = max(_RETRY_RESULT_SECONDS, min(math.ceil(left or 0), _LONGEST_RETRY_RESULT_SECONDS))
    return _task(202, task_id, shown, {"retry-after": str(retry)}, more=more)


def shown_time(milliseconds: int | None) -> str | None:
    """A time of Redis as clients see it, in UTC; None where there is none."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def finished(response: Mapping[str, Any]) -> Answer:
    """200 to a result call: the task has its outcome, the documented response."""
    return json_answer(200, response)


def validation_error(field: str, message: str) -> Answer:
    """400: the request itself has a fault in this field. Faults of the customer in it are outcomes with status 200."""
    return failure(400, "validation_error", data={"errors": [{"field": field, "message": message}]})


def invalid_token(description: str | None) -> Answer:
    """401. `description` says what is wrong with the token.

    With None the call carried no token, and the answer names the scheme alone (RFC 6750, section 3.1).
    """
    challenge = "Bearer" if description is None else f'Bearer error="invalid_token", error_description="{description}"'
    return failure(401, "invalid_token", headers={"www-authenticate": challenge})


def insufficient_scope(scope: str) -> Answer:
    """403: the token lacks this scope, which would be enough."""
    challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
    return failure(403, "insufficient_scope", headers={"www-authenticate": challenge})


def task_not_found(task_id: str) -> Answer:
    """404 to a result call: there is no such task, or none that this caller may read."""
    return failure(404, "task_not_found", data={"id": task_id[:_MAXIMUM_ECHOED_ID_CHARACTERS]})


def not_found() -> Answer:
    """404: there is no such path."""
    return failure(404, "not_found")


def method_not_allowed(allow: str) -> Answer:
    """405: the path exists, but not with this method. `allow` lists the methods that it has."""
    return failure(405, "method_not_allowed", headers={"allow": allow})


def malformed_request() -> Answer:
    """400: the request can be read in two ways. The connection ends.

    Bytes that are no HTTP at all do not get here: uvicorn answers them with a plain-text 400 of its own.
    """
    return failure(400, "malformed_request", headers={"connection": "close"})


def request_timeout() -> Answer:
    """408: the rest of the request's body did not come in time. The connection ends."""
    return failure(408, "request_timeout", headers={"connection": "close"})


def payload_too_large() -> Answer:
    """413: the body is too large. The connection stays open, so a client that sends all of it first can read why."""
    return failure(413, "payload_too_large")


def unsupported_media_type() -> Answer:
    """415: the body is not uncompressed JSON in UTF-8 by its headers."""
    return failure(415, "unsupported_media_type")


def idempotency_key_reused() -> Answer:
    """422: the idempotency key was used before, with another body."""
    return failure(422, "idempotency_key_reused")


def queue_full() -> Answer:
    """429: the queue is full. Every caller gets this."""
    return failure(429, "queue_full", headers={"retry-after": str(RETRY_QUEUE_SECONDS)})


def rate_limited(retry_after_seconds: float) -> Answer:
    """429: this caller has made too many calls. `Retry-After` is rounded up to whole seconds."""
    return failure(429, "rate_limited", headers={"retry-after": str(max(1, math.ceil(retry_after_seconds)))})


def dead_letter(task_id: str) -> Answer:
    """500 to a result call: the service itself failed at the task, which now waits for an operator as a dead letter."""
    return failure(500, "internal_error", data={"id": task_id})


def internal_error() -> Answer:
    """500: a fault in this process' own code."""
    return failure(500, "internal_error")


def service_unavailable() -> Answer:
    """503: as far as this process knows, nothing was accepted. A repeat with an idempotency key is safe."""
    return failure(503, "service_unavailable", headers={"retry-after": str(RETRY_BROKER_SECONDS)})


def healthy() -> Answer:
    """200 to a health or readiness probe."""
    return json_answer(200, {"ok": True})


def not_alive(dead: list[str]) -> Answer:
    """503 to the health probe: this process has to be restarted. `dead` names its background tasks that have ended."""
    return failure(503, "not_alive", data={"dead": dead})


def not_ready(missing: list[str]) -> Answer:
    """503 to the readiness probe. `missing` names what requests need and do not have."""
    return failure(503, "not_ready", data={"missing": missing})
