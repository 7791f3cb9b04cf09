"""The operations of the OpenAPI document, by their paths."""

from __future__ import annotations

from typing import Any, Final

from api_shim.interface import openapi_examples as examples
from api_shim.interface.openapi_answers import answer, answer_reference
from api_shim.interface.openapi_schemas import WAIT, JsonSchema, schema_reference
from api_shim.methods.customer_methods import CREATE_PATH, RESULT_PATH

_CREATE_DESCRIPTION: Final = """\
A 202 is a promise: exactly one outcome follows, whichever process dies in between. If a request has several errors, its
outcome is the first of `validation_error`, `customer_invalid_email`, `address_contry_invalid`, `duplicate_key`.
"""
"""The document's text about `customer.create`."""

IDEMPOTENCY_KEY: Final = r'^(?:[!#-~][!-~]{0,254}|"(?:[!#-\[\]-~]|\\["\\]){1,255}")$'
"""The form of a key: visible ASCII, bare or as a quoted string (draft-ietf-httpapi-idempotency-key-header)."""

_TRY_RESULT: Final = {
    "result": {
        "operationId": "customerCreateResult",
        "parameters": {"id": "$response.body#/task/id"},
        "description": "The call that reads the outcome.",
    }
}
"""The link from a 202 to the call that reads its outcome."""


def customer_paths() -> JsonSchema:
    """The operations about one customer, by the paths of their methods."""
    return {
        CREATE_PATH: {"post": _create()},
        RESULT_PATH: {"get": _result_by_query(), "post": _result_by_body()},
    }


def _create() -> JsonSchema:
    return {
        "operationId": "customerCreate",
        "tags": ["customer"],
        "summary": "Create a customer",
        "description": _CREATE_DESCRIPTION,
        "security": [{"token": ["customer:create"]}],
        "parameters": [
            header_parameter(
                "Idempotency-Key",
                "A caller that repeats the same body with this key within 24 hours gets the first call's task.",
                pattern=IDEMPOTENCY_KEY,
            ),
            header_parameter(
                "Prefer",
                "`wait=N`: wait up to N seconds for the outcome, at most 60 (RFC 7240). Other preferences are ignored.",
            )
            # Not inside the schema: the docs page fills the field with an example that stands here.
            | {"example": "wait=10"},
            {"$ref": "#/components/parameters/RequestId"},
        ],
        "requestBody": json_body("CustomerRequest", examples.REQUESTS),
        "responses": {
            "200": answer(
                "The call waited and the outcome came in time. This is the documented response.",
                schema_reference("Outcome"),
                examples.OUTCOMES,
                {"preference-applied": "PreferenceApplied", "vary": "Vary"},
            ),
            "202": {
                **answer(
                    "Accepted: the task is durably queued. Its status is `PENDING`; a repeat shows the status that the"
                    " first call's task has now.",
                    schema_reference("AcceptedTask"),
                    examples.task_examples("PENDING"),
                    {"location": "Location", "retry-after": "RetryAfter", "vary": "Vary"},
                ),
                "links": _TRY_RESULT,
            },
            "400": answer_reference("BadRequest"),
            "401": answer_reference("InvalidToken"),
            "403": answer_reference("InsufficientScope"),
            "405": answer_reference("MethodNotAllowed"),
            "408": answer_reference("RequestTimeout"),
            "413": answer_reference("PayloadTooLarge"),
            "415": answer_reference("UnsupportedMediaType"),
            "422": answer_reference("IdempotencyKeyReused"),
            "429": answer_reference("TooMany"),
            "500": answer_reference("InternalError"),
            "503": answer_reference("NotAccepted"),
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
        "408": answer_reference("RequestTimeout"),
        "413": answer_reference("PayloadTooLarge"),
        "415": answer_reference("UnsupportedMediaType"),
    }
    return {"operationId": "customerCreateResultByBody", **operation, "requestBody": json_body("ResultRequest", asked)}


def _result(*, parameters: list[JsonSchema]) -> JsonSchema:
    return {
        "tags": ["customer"],
        "summary": "Read the outcome of customer.create",
        "security": [{"token": []}],
        "parameters": [*parameters, {"$ref": "#/components/parameters/RequestId"}],
        "responses": {
            "200": answer(
                "The task has its outcome, the documented response.", schema_reference("Outcome"), examples.OUTCOMES
            ),
            "202": answer(
                "The task has no outcome yet.",
                schema_reference("OpenTask"),
                examples.task_examples("PENDING", "STARTED", "RETRY", more=examples.WAITING),
                {"retry-after": "RetryAfter"},
            ),
            "400": answer_reference("BadRequest"),
            "401": answer_reference("InvalidToken"),
            "404": answer_reference("TaskNotFound"),
            "405": answer_reference("MethodNotAllowed"),
            "500": answer_reference("InternalError"),
            "503": answer_reference("NotReadable"),
        },
    }


def service_paths() -> JsonSchema:
    """The paths for machines and for readers of this document. They have no prefix."""
    up = answer("Yes.", schema_reference("Up"), {"yes": {"value": {"ok": True}}})
    document = answer("The OpenAPI document.", {"type": "object"}, {})
    return {
        "/healthz": _get("healthz", "Whether the process serves", {"200": up, "503": answer_reference("NotAlive")}),
        "/readyz": _get("readyz", "Whether requests can be accepted", {"200": up, "503": answer_reference("NotReady")}),
        "/metrics": _get(
            "metrics",
            "Metrics for Prometheus",
            {"200": text_answer("text/plain", "Metrics in Prometheus' text format.")},
        ),
        "/openapi.json": _get("openapi", "This document as JSON", {"200": document}),
        "/docs": _get(
            "docs",
            "This document as a page",
            {"200": text_answer("text/html", "A page that loads files of this host only.")},
        ),
    }


def _get(operation: str, summary: str, responses: JsonSchema) -> JsonSchema:
    return {
        "get": {
            "operationId": operation,
            "tags": ["service"],
            "summary": summary,
            "security": [],
            "responses": {
                **responses,
                "405": answer_reference("MethodNotAllowed"),
                "500": answer_reference("InternalError"),
            },
        }
    }


def text_answer(media_type: str, description: str) -> JsonSchema:
    """Describe an answer that is no JSON."""
    return {
        "description": description,
        "headers": {"x-request-id": {"$ref": "#/components/headers/RequestId"}},
        "content": {media_type: {"schema": {"type": "string"}}},
    }


def header_parameter(name: str, description: str, **rules: Any) -> JsonSchema:
    """Describe a header that a request may have. `rules` are those for its value, by their names in JSON Schema."""
    schema = {"type": "string", **rules}
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def json_body(schema: str, body_examples: dict[str, Any]) -> JsonSchema:
    """Describe a JSON body that a request must have. `schema` is the name of a component."""
    content = {"schema": schema_reference(schema), "examples": body_examples}
    return {"required": True, "content": {"application/json": content}}
