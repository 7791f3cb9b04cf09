"""The OpenAPI 3.1 description of this interface; `docs/openapi.json` is its printed form, held equal by a test.

`python -m api_shim.openapi` prints it.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any, Final

from api_shim import openapi_schemas as shapes
from api_shim.endpoints import CREATE_PATH, RESULT_PATH

_JSON: Final = "application/json"

_RETRY_AFTER: Final = {
    "description": "Seconds to wait before asking again.",
    "schema": {"type": "integer", "minimum": 1},
}
_REQUEST_ID: Final = {"description": "The caller's, or a new one; logs carry it too.", "schema": {"type": "string"}}

Schema = dict[str, Any]


def openapi_document(*, prefix: str = "/services") -> Schema:
    """The description, with the methods under this prefix (they answer without it too)."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "customer-intake",
            "version": version("customer-intake"),
            "license": {"name": "MIT", "identifier": "MIT"},
            "description": "MicroBase's customer.create, made asynchronous: accepted at once, worked by a queue.",
        },
        "paths": {
            f"{prefix}{CREATE_PATH}": {"post": _create()},
            f"{prefix}{RESULT_PATH}": {"get": _result_by_query(), "post": _result_by_body()},
            "/healthz": {"get": _probe("healthz", "Whether the process serves", {"200": _ok()})},
            "/readyz": {
                "get": _probe(
                    "readyz",
                    "Whether requests can be accepted",
                    {
                        "200": _ok(),
                        "503": _answer(
                            "Something is missing.", shapes.not_ready(), _failure("not_ready", missing=["broker"])
                        ),
                    },
                )
            },
            "/metrics": {"get": _probe("metrics", "Prometheus' text format", {"200": _text("text/plain")})},
            "/openapi.json": {
                "get": _probe("openapi", "This document", {"200": _answer("This document.", {"type": "object"}, None)})
            },
            "/docs": {"get": _probe("docs", "This document, to read", {"200": _text("text/html")})},
        },
        "components": {
            "schemas": shapes.components(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _create() -> Schema:
    return {
        "operationId": "customer.create",
        "summary": "Create a customer",
        "description": (
            "Accepted at once and worked by a queue; a 202 is a promise that exactly one outcome follows. With "
            "`Prefer: wait=N` the call is held until the outcome is there, at most N seconds."
        ),
        "security": [{"token": ["customer:create"]}],
        "parameters": [
            _header(
                "Idempotency-Key", "A repeat with the same key and body within a day gets the first call's task.", 255
            ),
            _header("Prefer", "`wait=N`: hold the call for up to N seconds (at most 60).", 1024),
            _header("x-request-id", "Comes back in the answer and stands in the logs.", 128),
        ],
        "requestBody": {
            "required": True,
            "content": {_JSON: {"schema": _ref("CustomerRequest"), "example": shapes.EXAMPLE_REQUEST}},
        },
        "responses": {
            "200": _outcome(
                "The outcome came in time.", {"Preference-Applied": _text_header("wait=N"), "Vary": _vary()}
            ),
            "202": _answer(
                "Accepted: durably queued. `status` is PENDING, or for a repeat with the same key what it is now.",
                _ref("AcceptedTask"),
                {"ok": True, "task": {"id": shapes.EXAMPLE_TASK_ID, "status": "PENDING"}},
                {"Location": _text_header("Where the outcome will be."), "Retry-After": _RETRY_AFTER, "Vary": _vary()},
            ),
            "400": _bad_request(),
            **_unauthorized(),
            "403": _code("The token lacks the scope.", "insufficient_scope"),
            **_bad_body(),
            "422": _code("The idempotency key was used with another body.", "idempotency_key_reused"),
            "429": _answer(
                "The queue is full, or the caller is over its rate.",
                {"oneOf": [shapes.error("queue_full"), shapes.error("rate_limited")]},
                _failure("queue_full"),
                {"Retry-After": _RETRY_AFTER},
            ),
            "500": _code("A fault of the service's own.", "internal_error"),
            "503": _unavailable(),
        },
    }


def _result_by_query() -> Schema:
    parameters = [
        {"name": "id", "in": "query", "required": True, "schema": {"type": "string", "minLength": 1}},
        {
            "name": "wait",
            "in": "query",
            "description": "Hold the call until the outcome is there, or for so many seconds.",
            "schema": {"type": "integer", "minimum": 0, "maximum": 60},
        },
    ]
    return {
        "operationId": "customer.create.result",
        "parameters": parameters,
        **_result({}),
    }


def _result_by_body() -> Schema:
    body = {"schema": _ref("ResultRequest"), "example": {"id": shapes.EXAMPLE_TASK_ID, "wait": 10}}
    return {
        "operationId": "customer.create.result.post",
        "requestBody": {"required": True, "content": {_JSON: body}},
        **_result(_bad_body()),
    }


def _result(more: Schema) -> Schema:
    return {
        "summary": "Read the outcome of a task",
        "security": [{"token": []}],
        "responses": {
            "200": _outcome("The outcome.", {}),
            "202": _answer(
                "There is no outcome yet.",
                _ref("UnfinishedTask"),
                {"ok": True, "task": {"id": shapes.EXAMPLE_TASK_ID, "status": "STARTED"}},
                {"Retry-After": _RETRY_AFTER},
            ),
            "400": _bad_request(),
            **_unauthorized(),
            "404": _answer(
                "No such task, or its result has expired, or it is another caller's.",
                shapes.error_with_id("task_not_found"),
                _failure("task_not_found", id=shapes.EXAMPLE_TASK_ID),
            ),
            **more,
            "500": _answer(
                "The work failed for a reason of the service's own and waits for an operator.",
                {"oneOf": [shapes.error_with_id("internal_error"), shapes.error("internal_error")]},
                _failure("internal_error", id=shapes.EXAMPLE_TASK_ID),
            ),
            "503": _unavailable(),
        },
    }


def _outcome(description: str, headers: Schema) -> Schema:
    answer = _answer(description, _ref("Outcome"), None, headers)
    answer["content"][_JSON]["examples"] = {
        name: {"value": example} for name, example in shapes.EXAMPLE_OUTCOMES.items()
    }
    return answer


def _bad_request() -> Schema:
    example = _failure("validation_error", errors=[{"field": "", "message": "the body is not a JSON object"}])
    return _answer("The request itself has a fault; `data` says where.", _ref("ValidationError"), example)


def _unauthorized() -> Schema:
    headers = {"WWW-Authenticate": _text_header("Bearer")}
    body = shapes.error("invalid_token")
    return {"401": _answer("The token is missing or not good.", body, _failure("invalid_token"), headers)}


def _bad_body() -> Schema:
    return {
        "413": _code("The body is larger than the limit.", "payload_too_large"),
        "415": _code("The body is not announced as plain JSON in UTF-8.", "unsupported_media_type"),
    }


def _unavailable() -> Schema:
    return _answer(
        "The broker cannot be reached: nothing was accepted.",
        shapes.error("service_unavailable"),
        _failure("service_unavailable"),
        {"Retry-After": _RETRY_AFTER},
    )


def _probe(operation: str, summary: str, responses: Schema) -> Schema:
    return {"operationId": operation, "summary": summary, "security": [], "responses": responses}


def _ok() -> Schema:
    body = {"type": "object", "properties": {"ok": {"const": True}}, "required": ["ok"], "additionalProperties": False}
    return _answer("Yes.", body, {"ok": True})


def _text(media_type: str) -> Schema:
    return {
        "description": "Text.",
        "headers": {"x-request-id": _REQUEST_ID},
        "content": {media_type: {"schema": {"type": "string"}}},
    }


def _code(description: str, code: str) -> Schema:
    return _answer(description, shapes.error(code), _failure(code))


def _failure(code: str, **data: Any) -> Schema:
    return {"ok": False, "error": code, **({"data": data} if data else {})}


def _answer(description: str, schema: Schema, example: Schema | None, headers: Schema | None = None) -> Schema:
    content: Schema = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {
        "description": description,
        "headers": {"x-request-id": _REQUEST_ID, **(headers or {})},
        "content": {_JSON: content},
    }


def _header(name: str, description: str, longest: int) -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", "minLength": 1, "maxLength": longest, "pattern": "^[\\x21-\\x7e]+$"},
    }


def _text_header(description: str) -> Schema:
    return {"description": description, "schema": {"type": "string"}}


def _vary() -> Schema:
    return _text_header("Answers vary by Prefer.")


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


if __name__ == "__main__":
    json.dump(openapi_document(), sys.stdout, indent=2)
    sys.stdout.write("\n")
