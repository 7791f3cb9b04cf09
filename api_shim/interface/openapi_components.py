"""The OpenAPI document's components: schemas out of the types that validate, headers and answers by hand.

Answers are closed (`additionalProperties: false`): a field that leaks into one, a password's hash say, then fails the
conformance tests instead of passing unseen.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from api_shim.edge.request import MAXIMUM_WAIT_SECONDS
from api_shim.interface.openapi_examples import TASK_ID, failure_example
from schemas.customer import CUSTOMER_REQUEST, StoredAddress
from schemas.ids import TASK_ID_LENGTH
from schemas.protocol.keys import State

JsonSchema = dict[str, Any]

_ID: Final[JsonSchema] = {"type": "string", "pattern": "^[0-9A-Za-z]+$"}
"""A task's id."""
WAIT: Final[JsonSchema] = {
    "type": "integer",
    "minimum": 0,
    "maximum": MAXIMUM_WAIT_SECONDS,
    "description": "Hold the call until the outcome is there or so many seconds are over.",
}
"""How many seconds a call may be held."""
_OPEN_STATES: Final = (State.PENDING, State.STARTED, State.RETRY)
"""The states of a task without outcome that a caller can read."""

_ANSWERED: Final = ("email", "firstName", "lastName", "status", "tags", "addresses", "id")
"""What of a customer is answered, as `schemas.outcome.created` has it."""

_NOTES: Final = {
    "email": "Comes back as written, apart from the domain, which is normalised; unique without regard to case. At most"
    " 254 characters, by an email's own rules.",
    "password": "At least one visible character. Hashed exactly as sent and never answered.",
    "status": "`ACTIVE` where none was sent.",
    "country": "An upper-case ISO 3166-1 alpha-2 code that is in force, or one that the operator added.",
    "phone": "An integer of at most 15 digits; a longer number is this field's `validation_error`.",
    "address_2": "A string or an array of strings; comes back as it was sent.",
}
"""What the document says of a field, by its name."""

_ERROR_DATA: Final[dict[str, JsonSchema]] = {
    "duplicate_key": {"index": {"const": "email"}, "key": {"$ref": "#/components/schemas/EmailKey"}},
    "validation_error": {
        "errors": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Fault"}},
    },
    "customer_invalid_email": {"email": {"type": "string"}},
    "address_contry_invalid": {
        "address": {"type": "string"},
        "field": {"type": "string", "pattern": "^addresses\\.[0-9]+\\.country$"},
    },
}
"""`data` of each documented error of the method."""


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes from field names: they only repeat them."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def closed(properties: dict[str, JsonSchema], *, optional: tuple[str, ...] = ()) -> JsonSchema:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def failure_schema(*errors: str, data: JsonSchema | None = None, data_optional: bool = False) -> JsonSchema:
    """A failure with one of these codes."""
    code: JsonSchema = {"const": errors[0]} if len(errors) == 1 else {"enum": list(errors)}
    properties = {"ok": {"const": False}, "error": code} | ({"data": data} if data is not None else {})
    return closed(properties, optional=("data",) if data_optional else ())


def _task_schema(*states: State) -> JsonSchema:
    task = closed(
        {"id": {"$ref": "#/components/schemas/TaskId"}, "status": {"enum": [state.value for state in states]}}
    )
    return closed({"ok": {"const": True}, "task": task})


def _customer_schemas() -> dict[str, JsonSchema]:
    _, generated = TypeAdapter.json_schemas(
        [("request", "validation", CUSTOMER_REQUEST), ("address", "validation", TypeAdapter(StoredAddress))],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Untitled,
    )
    schemas: dict[str, JsonSchema] = dict(generated["$defs"])
    for schema in schemas.values():
        for name, note in _NOTES.items():
            if name in schema["properties"]:
                schema["properties"][name] = schema["properties"][name] | {"description": note}
    stored = schemas["StoredAddress"] | {"additionalProperties": False}
    stored["properties"]["id"] = _ID
    fields = schemas["CustomerRequest"]["properties"]
    addresses = fields["addresses"] | {"items": {"$ref": "#/components/schemas/StoredAddress"}}
    answered = fields | {"addresses": addresses, "id": _ID}
    customer = closed({name: answered[name] for name in _ANSWERED}) | {"description": "The customer that exists now."}
    return schemas | {"StoredAddress": stored, "Customer": customer}


def component_schemas() -> dict[str, JsonSchema]:
    """Every named schema."""
    created = closed({"ok": {"const": True}, "customer": {"$ref": "#/components/schemas/Customer"}})
    documented = {"Created": created} | {
        f"Error_{error}": failure_schema(error, data=closed(data)) for error, data in _ERROR_DATA.items()
    }
    return _customer_schemas() | {
        "TaskId": {"type": "string", "pattern": f"^[0-9A-Za-z]{{{TASK_ID_LENGTH}}}$", "examples": [TASK_ID]},
        "AcceptedTask": _task_schema(*State),
        "OpenTask": _task_schema(*_OPEN_STATES),
        "EmailKey": closed({"email": {"type": "string"}}),
        "Fault": closed(
            {
                "field": {
                    "type": "string",
                    "description": "Where, steps separated by dots; empty for the body itself.",
                },
                "message": {"type": "string"},
            }
        ),
        **documented,
        "Outcome": {
            "description": "The documented response.",
            "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in documented],
        },
        "ResultRequest": closed(
            {"id": {"type": "string", "minLength": 1, "examples": [TASK_ID]}, "wait": WAIT}, optional=("wait",)
        ),
        "Up": closed({"ok": {"const": True}}),
    }


def component_headers() -> dict[str, JsonSchema]:
    """Response headers. Those that an answer always carries are marked as required."""

    def header(description: str, schema: JsonSchema, *, required: bool = True) -> JsonSchema:
        return {"description": description, "required": required, "schema": schema}

    text: JsonSchema = {"type": "string"}
    return {
        "RequestId": header(
            "The caller's `x-request-id`, else a new one.", {"type": "string", "pattern": "^[!-~]{1,128}$"}
        ),
        "Location": header("Where the result will be: an absolute path.", {"type": "string", "pattern": "^/"}),
        "RetryAfter": header("Seconds to wait before the next try.", {"type": "integer", "minimum": 1}),
        "Vary": header("Holds `Prefer`: answers vary by it.", text),
        "PreferenceApplied": header(
            "The preference that was honoured (RFC 7240).", {"type": "string", "pattern": "^wait=[0-9]+$"}
        ),
        "Authenticate": header(
            "The scheme that is asked for (RFC 6750): `Bearer` alone where a call carried no token, else with `error`,"
            " and `error_description` (401) or `scope`, one that would do (403).",
            {"type": "string", "pattern": "^Bearer"},
        ),
        "Allow": header("The methods that this path has.", text),
    }


def answer(
    description: str,
    schema: JsonSchema,
    examples: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> JsonSchema:
    """A JSON answer; `headers` maps names to components, and every answer carries a request id."""
    named = {"x-request-id": "RequestId"} | (headers or {})
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{component}"} for name, component in named.items()},
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def _failure(error: str, description: str, headers: dict[str, str] | None = None) -> JsonSchema:
    return answer(description, failure_schema(error), failure_example(error), headers)


_NOT_ACCEPTED: Final = (
    "The broker cannot be reached, or refuses: nothing was accepted as far as can be known, and what the broker "
    "comes to later it does not accept any more. One case cannot be told from this: the broker accepted the "
    "request, its answer was lost, and it could not be asked again in time. With an `Idempotency-Key` a repeat is "
    "always safe. Without one, a repeat after that case is a second signup with the same email, and one of the two "
    "ends as `duplicate_key`: the customer exists."
)
"""What the document says of a 503."""


def component_responses() -> dict[str, JsonSchema]:
    """Answers that more than one operation gives."""
    task = closed({"id": {"$ref": "#/components/schemas/TaskId"}})
    retry = {"retry-after": "RetryAfter"}
    fault = {"errors": [{"field": "", "message": "the body is not a JSON object"}]}
    return {
        "BadRequest": answer(
            "The request cannot be read; `data` says where.",
            {"$ref": "#/components/schemas/Error_validation_error"},
            failure_example("validation_error", fault),
        ),
        "InvalidToken": _failure(
            "invalid_token",
            "The token is missing, malformed, expired or wrongly signed; `WWW-Authenticate` says which.",
            {"www-authenticate": "Authenticate"},
        ),
        "InsufficientScope": _failure(
            "insufficient_scope", "The token is valid and lacks the scope.", {"www-authenticate": "Authenticate"}
        ),
        "MethodNotAllowed": _failure("method_not_allowed", "This path does not have that method.", {"allow": "Allow"}),
        "RequestTimeout": _failure("request_timeout", "The body did not come in time; the connection ends."),
        "PayloadTooLarge": _failure("payload_too_large", "The body is larger than the limit (256 KiB by default)."),
        "UnsupportedMediaType": _failure(
            "unsupported_media_type", "The body is not JSON by its content type, or it is compressed."
        ),
        "IdempotencyKeyReused": _failure(
            "idempotency_key_reused", "The same `Idempotency-Key` was used with another body."
        ),
        "TooMany": answer(
            "The queue is full, or the caller is over its rate: nothing was accepted.",
            failure_schema("queue_full", "rate_limited"),
            failure_example("queue_full") | failure_example("rate_limited"),
            retry,
        ),
        "TaskNotFound": answer(
            "There is no such task, its result has expired, or it belongs to another caller.",
            failure_schema("task_not_found", data=closed({"id": {"type": "string"}})),
            failure_example("task_not_found", {"id": TASK_ID}),
        ),
        "InternalError": answer(
            "The service failed. With `data.id`, the task waits for an operator as a dead letter.",
            failure_schema("internal_error", data=task, data_optional=True),
            failure_example("internal_error", {"id": TASK_ID}),
        ),
        "NotAccepted": _failure("service_unavailable", _NOT_ACCEPTED, retry),
        "NotReadable": _failure(
            "service_unavailable", "The broker cannot be read; nothing is said of the task. A repeat is safe.", retry
        ),
        "NotAlive": answer(
            "This process has to be restarted; `data.dead` names what has ended in it.",
            failure_schema("not_alive", data=closed({"dead": {"type": "array", "items": {"type": "string"}}})),
            failure_example("not_alive", {"dead": ["redis_calls"]}),
        ),
        "NotReady": answer(
            "Something that is needed does not answer, or is not as it is needed; `data.missing` names it.",
            failure_schema("not_ready", data=closed({"missing": {"type": "array", "items": {"type": "string"}}})),
            failure_example("not_ready", {"missing": ["broker"]}),
        ),
    }
