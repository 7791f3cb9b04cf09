"""The answers of the OpenAPI document: how one is described, its headers, and the answers of failed calls."""

from __future__ import annotations

from typing import Any, Final

from api_shim.interface.openapi_examples import TASK_ID, failure_example
from api_shim.interface.openapi_schemas import JsonSchema, closed, failure_schema, schema_reference


def component_headers() -> dict[str, JsonSchema]:
    """The headers of answers, by their names as components. A header is required if its answer always has it."""

    def header(description: str, schema: JsonSchema, *, required: bool = True) -> JsonSchema:
        return {"description": description, "required": required, "schema": schema}

    text: JsonSchema = {"type": "string"}
    return {
        "RequestId": header(
            "The caller's `x-request-id`, or a new one.", {"type": "string", "pattern": "^[!-~]{1,128}$"}
        ),
        "Location": header("The absolute path at which the outcome can be read.", {"type": "string", "pattern": "^/"}),
        "RetryAfter": header("How many seconds to wait before the next try.", {"type": "integer", "minimum": 1}),
        "Vary": header("Contains `Prefer`, since the answer depends on that header.", text),
        "PreferenceApplied": header(
            "The preference that the service followed (RFC 7240).", {"type": "string", "pattern": "^wait=[0-9]+$"}
        ),
        "Authenticate": header(
            "The scheme to use (RFC 6750). It is `Bearer` alone if the call had no token. Otherwise it has `error`, and"
            " in a 401 also `error_description`, or in a 403 also `scope`, a scope that would be enough.",
            {"type": "string", "pattern": "^Bearer"},
        ),
        "Allow": header("The methods that exist for this path.", text),
    }


def answer(
    description: str,
    schema: JsonSchema,
    examples: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> JsonSchema:
    """Describe a JSON answer. `headers` maps names of headers to components. Every answer also has the request id."""
    named = {"x-request-id": "RequestId"} | (headers or {})
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{component}"} for name, component in named.items()},
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def answer_reference(name: str) -> JsonSchema:
    """Refer to a named answer of a failed call."""
    return {"$ref": f"#/components/responses/{name}"}


def _failure(error: str, description: str, headers: dict[str, str] | None = None) -> JsonSchema:
    return answer(description, failure_schema(error), failure_example(error), headers)


_NOT_ACCEPTED: Final = (
    "The broker cannot be reached, or refuses the request. As far as the service knows, nothing was accepted. If the "
    "request reaches the broker late, the broker does not accept it any more. One case looks the same: the broker "
    "accepted the request, its reply was lost, and the service could not ask it again in time. With an "
    "`Idempotency-Key` a repeat is always safe. Without one, a repeat in that case is a second signup with the same "
    "email. One of the two then ends as `duplicate_key`, and the customer exists."
)
"""The document's text about a 503 to `customer.create`."""


def component_responses() -> dict[str, JsonSchema]:
    """The answers of failed calls, by their names as components. Several operations may give the same one."""
    task = closed({"id": schema_reference("TaskId")})
    retry = {"retry-after": "RetryAfter"}
    fault = {"errors": [{"field": "", "message": "the body is not a JSON object"}]}
    return {
        "BadRequest": answer(
            "A part of the request is not valid. `data` says which part, and why.",
            schema_reference("Error_validation_error"),
            failure_example("validation_error", fault),
        ),
        "InvalidToken": _failure(
            "invalid_token",
            "The token is missing, malformed, expired or wrongly signed. `WWW-Authenticate` says which.",
            {"www-authenticate": "Authenticate"},
        ),
        "InsufficientScope": _failure(
            "insufficient_scope",
            "The token is valid, but lacks the scope for this call.",
            {"www-authenticate": "Authenticate"},
        ),
        "MethodNotAllowed": _failure(
            "method_not_allowed", "The path exists, but not with this method.", {"allow": "Allow"}
        ),
        "RequestTimeout": _failure("request_timeout", "The body did not come in time. The connection ends."),
        "PayloadTooLarge": _failure("payload_too_large", "The body is larger than the limit (256 KiB by default)."),
        "UnsupportedMediaType": _failure(
            "unsupported_media_type", "The content type is not JSON in UTF-8, or the body is compressed."
        ),
        "IdempotencyKeyReused": _failure(
            "idempotency_key_reused", "The same `Idempotency-Key` was used before with another body."
        ),
        "TooMany": answer(
            "Nothing was accepted: the queue is full, or the caller has made too many calls.",
            failure_schema("queue_full", "rate_limited"),
            failure_example("queue_full") | failure_example("rate_limited"),
            retry,
        ),
        "TaskNotFound": answer(
            "There is no such task, its outcome has expired, or it belongs to another caller.",
            failure_schema("task_not_found", data=closed({"id": {"type": "string"}})),
            failure_example("task_not_found", {"id": TASK_ID}),
        ),
        "InternalError": answer(
            "The service failed. If there is a `data.id`, that task waits for an operator as a dead letter.",
            failure_schema("internal_error", data=task, data_optional=True),
            failure_example("internal_error", {"id": TASK_ID}),
        ),
        "NotAccepted": _failure("service_unavailable", _NOT_ACCEPTED, retry),
        "NotReadable": _failure(
            "service_unavailable",
            "The broker cannot be read, so the state of the task is not known. A repeat is safe.",
            retry,
        ),
        "NotAlive": answer(
            "This process has to be restarted. `data.dead` names its background tasks that have ended.",
            failure_schema("not_alive", data=closed({"dead": {"type": "array", "items": {"type": "string"}}})),
            failure_example("not_alive", {"dead": ["redis_calls"]}),
        ),
        "NotReady": answer(
            "Something that requests need does not answer or is set up wrongly. `data.missing` names it.",
            failure_schema("not_ready", data=closed({"missing": {"type": "array", "items": {"type": "string"}}})),
            failure_example("not_ready", {"missing": ["broker"]}),
        ),
    }
