"""Every HTTP answer of the methods: the one place that knows status codes, headers and the bodies around outcomes."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from schemas.task_record import State

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAXIMUM_ECHOED_ID_CHARACTERS: Final = 128
_RETRY_RESULT_SECONDS: Final = 1
_RETRY_BROKER_SECONDS: Final = 2
_RETRY_QUEUE_SECONDS: Final = 5

Headers = dict[str, str]


def _answer(status: int, body: Mapping[str, Any], headers: Headers | None = None) -> Response:
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(content, status, {"cache-control": "no-store", **(headers or {})}, "application/json")


def _failure(
    status: int, error: str, *, data: Mapping[str, Any] | None = None, headers: Headers | None = None
) -> Response:
    body: dict[str, Any] = {"ok": False, "error": error}
    if data is not None:
        body["data"] = data
    return _answer(status, body, headers)


def accepted(task_id: str, state: State, *, location: str) -> Response:
    """202: the promise, with where its outcome will be."""
    return _answer(
        202,
        {"ok": True, "task": {"id": task_id, "status": state}},
        {"location": location, "retry-after": str(_RETRY_RESULT_SECONDS), "vary": "Prefer"},
    )


def created_in_time(response: Mapping[str, Any], *, waited_for: int) -> Response:
    """200 to a create call that waited: the documented response."""
    return _answer(200, response, {"preference-applied": f"wait={waited_for}", "vary": "Prefer"})


def unfinished(task_id: str, state: State) -> Response:
    """202 to a result call: ask again."""
    # A record whose outcome is being written is finished with the next call.
    shown = state if state in {State.PENDING, State.RETRY} else State.STARTED
    return _answer(
        202,
        {"ok": True, "task": {"id": task_id, "status": shown}},
        {"retry-after": str(_RETRY_RESULT_SECONDS)},
    )


def finished(response: Mapping[str, Any]) -> Response:
    """200 to a result call: the documented response."""
    return _answer(200, response)


def validation_error(field: str, message: str) -> Response:
    """400: the request itself, not the customer, has a fault."""
    return _failure(400, "validation_error", data={"errors": [{"field": field, "message": message}]})


def invalid_token() -> Response:
    """401."""
    return _failure(401, "invalid_token", headers={"www-authenticate": "Bearer"})


def insufficient_scope() -> Response:
    """403."""
    return _failure(403, "insufficient_scope")


def task_not_found(task_id: str) -> Response:
    """404 to a result call."""
    return _failure(404, "task_not_found", data={"id": task_id[:_MAXIMUM_ECHOED_ID_CHARACTERS]})


def not_found() -> Response:
    """404: no such path."""
    return _failure(404, "not_found")


def method_not_allowed(allow: str) -> Response:
    """405."""
    return _failure(405, "method_not_allowed", headers={"allow": allow})


def malformed_request() -> Response:
    """400 to what is no HTTP; the connection ends."""
    return _failure(400, "malformed_request", headers={"connection": "close"})


def request_timeout() -> Response:
    """408 to a request whose rest does not come; the connection ends."""
    return _failure(408, "request_timeout", headers={"connection": "close"})


def head_too_large() -> Response:
    """431: the request line and the headers are larger than the limit; the connection ends."""
    return _failure(431, "head_too_large", headers={"connection": "close"})


def payload_too_large() -> Response:
    """413; the connection ends, since the rest of the body is not read."""
    return _failure(413, "payload_too_large", headers={"connection": "close"})


def unsupported_media_type() -> Response:
    """415."""
    return _failure(415, "unsupported_media_type", headers={"connection": "close"})


def idempotency_key_reused() -> Response:
    """422."""
    return _failure(422, "idempotency_key_reused")


def queue_full() -> Response:
    """429 to everyone."""
    return _failure(429, "queue_full", headers={"retry-after": str(_RETRY_QUEUE_SECONDS)})


def rate_limited(retry_after_seconds: float) -> Response:
    """429 to this caller."""
    return _failure(429, "rate_limited", headers={"retry-after": str(max(1, math.ceil(retry_after_seconds)))})


def dead_letter(task_id: str) -> Response:
    """500: the work failed for a reason of the service's own, and an operator has it."""
    return _failure(500, "internal_error", data={"id": task_id})


def internal_error() -> Response:
    """500: a fault in this process."""
    return _failure(500, "internal_error")


def service_unavailable() -> Response:
    """503: nothing was accepted, as far as is known; a repeat with an idempotency key is safe."""
    return _failure(503, "service_unavailable", headers={"retry-after": str(_RETRY_BROKER_SECONDS)})


def healthy() -> Response:
    """200 to a probe."""
    return _answer(200, {"ok": True})


def not_ready(missing: list[str]) -> Response:
    """503 to the readiness probe, with what is missing."""
    return _failure(503, "not_ready", data={"missing": missing})
