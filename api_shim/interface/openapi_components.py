"""The components of the OpenAPI document. Schemas of customers are made from the types that validate customers.

The schemas of answers are closed (`additionalProperties: false`). If a field leaks into an answer, for example the hash
of a password, the conformance tests fail.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from api_shim.edge.request import MAXIMUM_WAIT_SECONDS
from api_shim.interface.openapi_examples import TASK_ID, failure_example
from schemas.customer import CUSTOMER_REQUEST, PASSWORD_HASH, StoredAddress
from schemas.ids import TASK_ID_LENGTH
from schemas.protocol.keys import State

JsonSchema = dict[str, Any]

_ID: Final[JsonSchema] = {"type": "string", "pattern": "^[0-9A-Za-z]+$"}
"""The id of a customer or an address."""
WAIT: Final[JsonSchema] = {
    "type": "integer",
    "minimum": 0,
    "maximum": MAXIMUM_WAIT_SECONDS,
    "description": "How many seconds the call waits for the outcome. It answers as soon as the outcome is there.",
}
"""The schema of `wait`."""
_OPEN_STATES: Final = (State.PENDING, State.STARTED, State.RETRY)
"""The states that a caller can see of a task without outcome."""

_ANSWERED: Final = ("email", "firstName", "lastName", "status", "tags", "addresses", "id")
"""The fields of a customer that an answer shows, the same as in `schemas.outcome.created`."""

_NOTES: Final = {
    "email": "The answer repeats it as written, with its domain normalised. It must be unique; upper and lower case"
    " make no difference. By the rules of email it has at most 254 characters.",
    "password": "At least one visible character. It is hashed exactly as sent, and no answer shows it.",
    "passwordHash": "In place of `password`: a hash that another system made, stored as it is. It needs the scope"
    " `customer:import`. Accepted are argon2 (PHC), bcrypt, PBKDF2 and scrypt (PHC, passlib's and Django's spelling),"
    " phpass, sha256-crypt and sha512-crypt, of bounded cost; fast hashes (MD5, SHA-1, SHA-2) are refused.",
    "status": "`ACTIVE` if none was sent.",
    "country": "An ISO 3166-1 alpha-2 code in upper case that is in use today, or a code that the operator added.",
    "phone": "An integer of at most 15 digits. A longer number is a `validation_error` of this field.",
    "address_2": "A string or an array of strings. The answer repeats it as it was sent.",
}
"""The document's text about each field, by its name."""

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
"""The properties of `data`, by the method's documented error."""


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes from field names. They only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def closed(properties: dict[str, JsonSchema], *, optional: tuple[str, ...] = ()) -> JsonSchema:
    """The schema of an object with these properties and no others. All are required but the `optional` ones."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def failure_schema(*errors: str, data: JsonSchema | None = None, data_optional: bool = False) -> JsonSchema:
    """The schema of a failure with one of these codes, and with `data` if a schema for it is given."""
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
    schemas["CustomerRequest"]["oneOf"] = [{"required": ["password"]}, {"required": [PASSWORD_HASH]}]
    fields = schemas["CustomerRequest"]["properties"]
    addresses = fields["addresses"] | {"items": {"$ref": "#/components/schemas/StoredAddress"}}
    answered = fields | {"addresses": addresses, "id": _ID}
    customer = closed({name: answered[name] for name in _ANSWERED}) | {"description": "The customer that exists now."}
    return schemas | {"StoredAddress": stored, "Customer": customer}


def component_schemas() -> dict[str, JsonSchema]:
    """Every named schema, by its name."""
    created = closed({"ok": {"const": True}, "customer": {"$ref": "#/components/schemas/Customer"}})
    documented = {"Created": created} | {
        f"Error_{error}": failure_schema(error, data=closed(data)) for error, data in _ERROR_DATA.items()
    }
    return _customer_schemas() | {
        "TaskId": {"type": "string", "pattern": f"^[0-9A-Za-z]{{{TASK_ID_LENGTH}}}$", "examples": [TASK_ID]},
        "AcceptedTask": _task_schema(*_OPEN_STATES, State.SUCCESS, State.FAILURE),
        "OpenTask": _task_schema(*_OPEN_STATES),
        "EmailKey": closed({"email": {"type": "string"}}),
        "Fault": closed(
            {
                "field": {
                    "type": "string",
                    "description": "The path of the field, with dots. It is empty for a fault of the whole body.",
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
    task = closed({"id": {"$ref": "#/components/schemas/TaskId"}})
    retry = {"retry-after": "RetryAfter"}
    fault = {"errors": [{"field": "", "message": "the body is not a JSON object"}]}
    return {
        "BadRequest": answer(
            "A part of the request is not valid. `data` says which part, and why.",
            {"$ref": "#/components/schemas/Error_validation_error"},
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
