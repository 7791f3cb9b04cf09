"""The OpenAPI 3.1 description of this interface; `docs/openapi.json` is its printed form, held equal by a test.

`python -m api_shim.interface.openapi` prints it.
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
"""Of the interface, not of the package: it changes when a client could notice."""

_DESCRIPTION: Final = """\
MicroBase's `customer.create`, made asynchronous: a request is accepted at once, a queue worker does the work, and the
documented response is read back as a result.

- Every answer is a JSON object with a boolean `ok`; a failure has `error`, a short code, and maybe `data`.
- An outcome of the method itself, a customer or one of its four errors, is always HTTP 200: the status speaks of the
  transport, `ok` of the customer.
- The methods answer under their documented path, `/customer/v1/…`, too.
- A path that does not exist gets `404 {"ok": false, "error": "not_found"}`.
- What is no HTTP gets the server's own 400 in plain text, a request line with headers beyond 16 KiB too; what can be
  read in two ways (a body announced by both its length and chunks, not exactly one `Host`) gets 400
  `malformed_request`. The connection ends with these.
- A body that is not there after 60 seconds gets 408 `request_timeout`. A head that is not there after 20 seconds, and
  an answer that nobody reads for 30, end the connection without a word.
"""
"""What the document says of the service."""

_CREATE_DESCRIPTION: Final = """\
A 202 is a promise: exactly one outcome follows, whatever process dies in between. Where several errors hold, the first
of `validation_error`, `customer_invalid_email`, `address_contry_invalid`, `duplicate_key` is the outcome.
"""
"""What the document says of `customer.create`."""

_BEARER_DESCRIPTION: Final = """\
A JWT of at most 4 KiB with `exp` and `sub`; creating needs `customer:create` in `scope`. Your identity provider issues
it, or whoever holds `INTAKE_JWT_SECRET`. For the local stack, `customer-intake token --sub me` prints one.
"""
"""What the document says of tokens."""

_IDEMPOTENCY_KEY: Final = r'^(?:[!#-~][!-~]{0,254}|"(?:[!#-\[\]-~]|\\["\\]){1,255}")$'
"""Visible ASCII, bare or as a quoted string (draft-ietf-httpapi-idempotency-key-header)."""

_TRY_RESULT: Final = {
    "result": {
        "operationId": "customerCreateResult",
        "parameters": {"id": "$response.body#/task/id"},
        "description": "Where the outcome will be.",
    }
}
"""The link from a 202 to the call that reads its outcome."""


def openapi_document(*, prefix: str = "/services") -> dict[str, Any]:
    """The description, with the methods under this prefix."""
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
                    "x-request-id", "Comes back and stands in the logs, if it is 1 to 128 visible ASCII characters."
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
                "A repeat by the same caller with the same body within 24 hours gets the first call's task.",
                pattern=_IDEMPOTENCY_KEY,
            ),
            _header(
                "Prefer",
                "`wait=N`: hold the call for up to N seconds, at most 60 (RFC 7240). What is unknown is ignored.",
            )
            # Beside the schema and not in it: the page fills the field with this one.
            | {"example": "wait=10"},
            {"$ref": "#/components/parameters/RequestId"},
        ],
        "requestBody": _body("CustomerRequest", examples.REQUESTS),
        "responses": {
            "200": answer(
                "The call was held and the outcome came in time: the documented response.",
                _schema("Outcome"),
                examples.OUTCOMES,
                {"preference-applied": "PreferenceApplied", "vary": "Vary"},
            ),
            "202": {
                **answer(
                    "Accepted: durably queued. `PENDING`, or for a repeat what the first call's task has become.",
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
            "200": answer("Done: the documented response.", _schema("Outcome"), examples.OUTCOMES),
            "202": answer(
                "There is no outcome yet.",
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
    document = answer("This document.", {"type": "object"}, {})
    return {
        "/healthz": _get("healthz", "Whether the process serves", {"200": up, "503": _response("NotAlive")}),
        "/readyz": _get("readyz", "Whether requests can be accepted", {"200": up, "503": _response("NotReady")}),
        "/metrics": _get("metrics", "Metrics for Prometheus", {"200": _text("text/plain", "Prometheus' text format.")}),
        "/openapi.json": _get("openapi", "This document", {"200": document}),
        "/docs": _get("docs", "This document, to read", {"200": _text("text/html", "A page of our own files.")}),
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
