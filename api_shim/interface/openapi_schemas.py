"""The schemas of the OpenAPI document. Those of customers are made from the types that validate customers.

The schemas of answers are closed (`additionalProperties: false`). If a field leaks into an answer, for example the hash
of a password, the conformance tests fail.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from api_shim.interface.openapi_examples import TASK_ID
from api_shim.methods.requests.arguments import MAXIMUM_WAIT_SECONDS
from schemas.customer import CUSTOMER_REQUEST, StoredAddress
from schemas.ids import TASK_ID_LENGTH
from schemas.password_hashes.field import PASSWORD_HASH
from schemas.protocol.keys import State

JsonSchema = dict[str, Any]


def schema_reference(name: str) -> JsonSchema:
    """Refer to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


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
    " `customer:import`. Accepted are argon2 (PHC), bcrypt (also WordPress', Django's and passlib's, of another hash),"
    " PBKDF2 and scrypt (PHC, passlib's and Django's spelling), phpass, sha256-crypt, sha512-crypt and, by a setting,"
    " Firebase's scrypt, of bounded cost. Fast hashes (MD5, SHA-1, SHA-2) are refused or, by a setting, stored wrapped"
    " in argon2id.",
    "status": "`ACTIVE` if none was sent.",
    "country": "An ISO 3166-1 alpha-2 code in upper case that is in use today, or a code that the operator added.",
    "phone": "An integer of at most 15 digits. A longer number is a `validation_error` of this field.",
    "address_2": "A string or an array of strings. The answer repeats it as it was sent.",
}
"""The document's text about each field, by its name."""

_ERROR_DATA: Final[dict[str, JsonSchema]] = {
    "duplicate_key": {"index": {"const": "email"}, "key": schema_reference("EmailKey")},
    "validation_error": {
        "errors": {"type": "array", "minItems": 1, "items": schema_reference("Fault")},
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


def _task_schema(*states: State, more: JsonSchema | None = None) -> JsonSchema:
    head = {"id": schema_reference("TaskId"), "status": {"enum": [state.value for state in states]}}
    return closed({"ok": {"const": True}, "task": closed(head | (more or {}))})


_WAITING: Final[JsonSchema] = {
    "acceptedAt": {"type": "string", "format": "date-time"},
    "secondsLeft": {
        "anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}],
        "description": "By the rate of the last minute and by what waits before it; null where that is not known.",
    },
}
"""What is told of a task without outcome, besides its status."""


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
    addresses = fields["addresses"] | {"items": schema_reference("StoredAddress")}
    answered = fields | {"addresses": addresses, "id": _ID}
    customer = closed({name: answered[name] for name in _ANSWERED}) | {"description": "The customer that exists now."}
    return schemas | {"StoredAddress": stored, "Customer": customer}


def component_schemas() -> dict[str, JsonSchema]:
    """Every named schema, by its name."""
    created = closed({"ok": {"const": True}, "customer": schema_reference("Customer")})
    documented = {"Created": created} | {
        f"Error_{error}": failure_schema(error, data=closed(data)) for error, data in _ERROR_DATA.items()
    }
    return _customer_schemas() | {
        "TaskId": {"type": "string", "pattern": f"^[0-9A-Za-z]{{{TASK_ID_LENGTH}}}$", "examples": [TASK_ID]},
        "AcceptedTask": _task_schema(*_OPEN_STATES, State.SUCCESS, State.FAILURE),
        "OpenTask": _task_schema(*_OPEN_STATES, more=_WAITING),
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
            "oneOf": [schema_reference(name) for name in documented],
        },
        "ResultRequest": closed(
            {"id": {"type": "string", "minLength": 1, "examples": [TASK_ID]}, "wait": WAIT}, optional=("wait",)
        ),
        "Up": closed({"ok": {"const": True}}),
    }
