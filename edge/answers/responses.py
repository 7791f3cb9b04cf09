"""The HTTP answers that know of no tasks, and how any answer in JSON is made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from edge.answers.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

RETRY_BROKER_SECONDS: Final = 2
"""`Retry-After` of a 503, in seconds: Redis cannot be used."""
_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
"""Encodes the body of an answer: without spaces, and with characters beyond ASCII unescaped."""
_ON_EVERY_ANSWER: Final = ((b"cache-control", b"no-store"), (b"content-type", b"application/json"))
"""The headers that every JSON answer has."""

Headers = dict[str, str]
"""Headers of one answer, by their names."""


def json_answer(status: int, body: Mapping[str, Any], headers: Headers | None = None) -> Answer:
    """An answer with this body, and with these headers beside those that every answer has."""
    return encoded_answer(status, _JSON.encode(body).encode("utf-8", "replace"), headers)


def encoded_answer(status: int, content: bytes, headers: Headers | None = None) -> Answer:
    """The same for a body that is JSON already."""
    raw = [*_ON_EVERY_ANSWER, (b"content-length", b"%d" % len(content))]
    if headers is not None:
        raw += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return Answer(status, content, raw)


def failure(
    status: int,
    error: str,
    *,
    data: Mapping[str, Any] | None = None,
    beside: Mapping[str, Any] | None = None,
    headers: Headers | None = None,
) -> Answer:
    """A failure with this code, with `data` and with the fields of `beside`, where there are such."""
    body: dict[str, Any] = {"ok": False, "error": error}
    if data is not None:
        body["data"] = data
    if beside is not None:
        body |= beside
    return json_answer(status, body, headers)


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
