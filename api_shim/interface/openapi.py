"""Builds the OpenAPI 3.1 document of this interface.

`python -m api_shim.interface.openapi` prints it. `docs/openapi.json` holds what that printed; a test compares the two.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from api_shim.endpoints import CREATE_PATH, RESULT_PATH
from api_shim.interface import openapi_examples as examples
from api_shim.interface.openapi_components import (
    WAIT,
    JsonSchema,
    answer,
    component_headers,
    component_responses,
    component_schemas,
)

INTERFACE_VERSION: Final = "1.0.0"
"""The version of the interface, not of the package. It changes when clients could notice a difference."""

_DESCRIPTION: Final = """\
MicroBase's `customer.create`, made asynchronous: a request is accepted at once, a queue worker does the work, and the
documented response is read back as a result.

- Every answer is a JSON object with a boolean `ok`. A failure also has `error`, a short code, and sometimes `data`.
- The method's own outcome, a customer or one of its four errors, always has HTTP status 200. The status tells whether
  the call worked; `ok` tells whether the customer was created.
- The methods also answer under their documented path, `/customer/v1/…`.
- A path that does not exist gets `404 {"ok": false, "error": "not_found"}`.
- Bytes that are no HTTP get the server's own 400 in plain text, and so does a request whose head (request line and
  headers) exceeds 16 KiB. A request that can be read in two ways gets 400 `malformed_request`: one that announces its
  body by both length and chunks, or that has no `Host` or several. In each case the connection ends.
- A body that is not complete after 60 seconds gets 408 `request_timeout`. If a head is not complete after 20 seconds,
  or nobody reads an answer for 30 seconds, the connection ends without an answer.
"""
"""The document's text about the service."""

_CREATE_DESCRIPTION: Final = """\
A 202 is a promise: exactly one outcome follows, whichever process dies in between. If a request has several errors, its
outcome is the first of `validation_error`, `customer_invalid_email`, `address_contry_invalid`, `duplicate_key`.
"""
"""The document's text about `customer.create`."""

_BEARER_DESCRIPTION: Final = """\
A JWT of at most 4 KiB with `exp` and `sub`. To create a customer, `scope` must contain `customer:create`. Your identity
provider issues the token, or anyone who knows `INTAKE_JWT_SECRET`. For the local stack, run
`customer-intake token --sub me`: it prints one.
"""
"""The document's text about tokens."""

_IDEMPOTENCY_KEY: Final = r'^(?:[!#-~][!-~]{0,254}|"(?:[!#-\[\]-~]|\\["\\]){1,255}")$'
"""The form of a key: visible ASCII, bare or as a quoted string (draft-ietf-httpapi-idempotency-key-header)."""

_TRY_RESULT: Final = {
    "result": {
        "operationId": "customerCreateResult",
        "parameters": {"id": "$response.body#/task/id"},
        "description": "The call that reads the outcome.",
    }
}
"""The link from a 202 to the call that reads its outcome."""


def openapi_document(*, prefix: str = "/services") -> dict[str, Any]:
    """The OpenAPI document, with the paths of the methods below this prefix."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "customer-intake",
            "version": INTERFACE_VERSION,
            "license": {"name": "MIT", "identifier": "MIT"},
            "description": _DESCRIPTION,
        },
        "tags": [{"name": "customer"}, {"name": "service"}],
        "paths": {
            f"{prefix}{CREATE_PATH}": {"post": _create()},
            f"{prefix}{RESULT_PATH}": {"get": _result_by_query(), "post": _result_by_body()},
            **_service_paths(),
        },
        "components": {
            "schemas": component_schemas(),
            "responses": component_responses(),
            "headers": component_headers(),
            "parameters": {
                "RequestId": _header(
                    "x-request-id",
                    "The answer repeats it and the logs show it, if it is 1 to 128 visible ASCII characters.",
                )
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": _BEARER_DESCRIPTION,
                }
            },
        },
    }


def _create() -> JsonSchema:
    return {
        "operationId": "customerCreate",
        "tags": ["customer"],
        "summary": "Create a customer",
        "description": _CREATE_DESCRIPTION,
        "security": [{"token": ["customer:create"]}],
        "parameters": [
            _header(
                "Idempotency-Key",
                "A caller that repeats the same body with this key within 24 hours gets the first call's task.",
                pattern=_IDEMPOTENCY_KEY,
            ),
            _header(
                "Prefer",
                "`wait=N`: wait up to N seconds for the outcome, at most 60 (RFC 7240). Other preferences are ignored.",
            )
            # Not inside the schema: the docs page fills the field with an example that stands here.
            | {"example": "wait=10"},
            {"$ref": "#/components/parameters/RequestId"},
        ],
        "requestBody": _body("CustomerRequest", examples.REQUESTS),
        "responses": {
            "200": answer(
                "The call waited and the outcome came in time. This is the documented response.",
                _schema("Outcome"),
                examples.OUTCOMES,
                {"preference-applied": "PreferenceApplied", "vary": "Vary"},
            ),
            "202": {
                **answer(
                    "Accepted: the task is durably queued. Its status is `PENDING`; a repeat shows the status that the"
                    " first call's task has now.",
                    _schema("AcceptedTask"),
                    examples.task_examples("PENDING"),
                    {"location": "Location", "retry-after": "RetryAfter", "vary": "Vary"},
                ),
                "links": _TRY_RESULT,
            },
            "400": _response("BadRequest"),
            "401": _response("InvalidToken"),
            "403": _response("InsufficientScope"),
            "405": _response("MethodNotAllowed"),
            "408": _response("RequestTimeout"),
            "413": _response("PayloadTooLarge"),
            "415": _response("UnsupportedMediaType"),
            "422": _response("IdempotencyKeyReused"),
            "429": _response("TooMany"),
            "500": _response("InternalError"),
            "503": _response("NotAccepted"),
        },
    }


def _result_by_query() -> JsonSchema:
    identifier = {"name": "id", "in": "query", "required": True, "schema": {"type": "string", "minLength": 1}}
    wait = {"name": "wait", "in": "query", "required": False, "schema": WAIT}
    return {
        "operationId": "customerCreateResult",
        **_result(parameters=[identifier | {"example": examples.TASK_ID}, wait]),
    }


def _result_by_body() -> JsonSchema:
    asked = {"waiting": {"value": {"id": examples.TASK_ID, "wait": 10}}}
    operation = _result(parameters=[])
    operation["responses"] |= {
        "408": _response("RequestTimeout"),
        "413": _response("PayloadTooLarge"),
        "415": _response("UnsupportedMediaType"),
    }
    return {"operationId": "customerCreateResultByBody", **operation, "requestBody": _body("ResultRequest", asked)}


def _result(*, parameters: list[JsonSchema]) -> JsonSchema:
    return {
        "tags": ["customer"],
        "summary": "Read the outcome of customer.create",
        "security": [{"token": []}],
        "parameters": [*parameters, {"$ref": "#/components/parameters/RequestId"}],
        "responses": {
            "200": answer("The task has its outcome, the documented response.", _schema("Outcome"), examples.OUTCOMES),
            "202": answer(
                "The task has no outcome yet.",
                _schema("OpenTask"),
                examples.task_examples("PENDING", "STARTED", "RETRY"),
                {"retry-after": "RetryAfter"},
            ),
            "400": _response("BadRequest"),
            "401": _response("InvalidToken"),
            "404": _response("TaskNotFound"),
            "405": _response("MethodNotAllowed"),
            "500": _response("InternalError"),
            "503": _response("NotReadable"),
        },
    }


def _service_paths() -> JsonSchema:
    up = answer("Yes.", _schema("Up"), {"yes": {"value": {"ok": True}}})
    document = answer("The OpenAPI document.", {"type": "object"}, {})
    return {
        "/healthz": _get("healthz", "Whether the process serves", {"200": up, "503": _response("NotAlive")}),
        "/readyz": _get("readyz", "Whether requests can be accepted", {"200": up, "503": _response("NotReady")}),
        "/metrics": _get(
            "metrics", "Metrics for Prometheus", {"200": _text("text/plain", "Metrics in Prometheus' text format.")}
        ),
        "/openapi.json": _get("openapi", "This document as JSON", {"200": document}),
        "/docs": _get(
            "docs", "This document as a page", {"200": _text("text/html", "A page that loads files of this host only.")}
        ),
    }


def _get(operation: str, summary: str, responses: JsonSchema) -> JsonSchema:
    return {
        "get": {
            "operationId": operation,
            "tags": ["service"],
            "summary": summary,
            "security": [],
            "responses": {**responses, "405": _response("MethodNotAllowed"), "500": _response("InternalError")},
        }
    }


def _text(media_type: str, description: str) -> JsonSchema:
    return {
        "description": description,
        "headers": {"x-request-id": {"$ref": "#/components/headers/RequestId"}},
        "content": {media_type: {"schema": {"type": "string"}}},
    }


def _header(name: str, description: str, **rules: Any) -> JsonSchema:
    schema = {"type": "string", **rules}
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _body(schema: str, body_examples: dict[str, Any]) -> JsonSchema:
    content = {"schema": _schema(schema), "examples": body_examples}
    return {"required": True, "content": {"application/json": content}}


def _schema(name: str) -> JsonSchema:
    return {"$ref": f"#/components/schemas/{name}"}


def _response(name: str) -> JsonSchema:
    return {"$ref": f"#/components/responses/{name}"}


if __name__ == "__main__":
    json.dump(openapi_document(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
