"""The shapes of requests and answers, as JSON Schema 2020-12, and the example of each."""

from __future__ import annotations

from typing import Any, Final

from schemas.customer import CUSTOMER_REQUEST
from schemas.ids import TASK_ID_LENGTH

_REFERENCE: Final = "#/components/schemas/{model}"

EXAMPLE_TASK_ID: Final = "1JpVtcn7xFG1r3AbZEOppf"
assert len(EXAMPLE_TASK_ID) == TASK_ID_LENGTH  # noqa: S101 - an example that could not be is no example

EXAMPLE_ADDRESS: Final[dict[str, Any]] = {
    "name": "Work",
    "firstName": "John",
    "lastName": "Doe",
    "address_1": "1650 Bolman Court",
    "address_2": "Number 10",
    "postCode": "61701",
    "city": "Bloomington",
    "state": "Illinois",
    "country": "US",
    "company": "My Company",
    "phone": 2173203531,
    "instructions": "Some Instructions",
}

EXAMPLE_REQUEST: Final[dict[str, Any]] = {
    "email": "john.doe@gmail.com",
    "password": "correct horse battery staple",
    "firstName": "John",
    "lastName": "Doe",
    "status": "ACTIVE",
    "tags": ["VIP"],
    "addresses": [EXAMPLE_ADDRESS],
}

EXAMPLE_OUTCOMES: Final[dict[str, dict[str, Any]]] = {
    "created": {
        "ok": True,
        "customer": {
            **{name: value for name, value in EXAMPLE_REQUEST.items() if name != "password"},
            "addresses": [{**EXAMPLE_ADDRESS, "id": "r1h2uQ4rx2a"}],
            "id": "HkhhuXESl1b2c3d4e",
        },
    },
    "duplicate_key": {
        "ok": False,
        "error": "duplicate_key",
        "data": {"index": "email", "key": {"email": "john.doe@gmail.com"}},
    },
    "validation_error": {
        "ok": False,
        "error": "validation_error",
        "data": {"errors": [{"field": "addresses.0.city", "message": "Field required"}]},
    },
    "customer_invalid_email": {"ok": False, "error": "customer_invalid_email", "data": {"email": "john.doe@"}},
    "address_contry_invalid": {
        "ok": False,
        "error": "address_contry_invalid",
        "data": {"address": "UK", "field": "addresses.0.country"},
    },
}


def components() -> dict[str, Any]:
    """All named schemas: the request's are pydantic's own, so that they cannot differ from what is checked."""
    request = CUSTOMER_REQUEST.json_schema(ref_template=_REFERENCE)
    definitions: dict[str, Any] = request.pop("$defs")
    address = definitions["Address"]
    stored_address = {
        **address,
        "title": "StoredAddress",
        "properties": {**address["properties"], "id": {"type": "string"}},
        "required": [*address["required"], "id"],
    }
    customer_properties = {
        **{name: schema for name, schema in request["properties"].items() if name != "password"},
        "addresses": {"type": "array", "items": _ref("StoredAddress")},
        "id": {"type": "string"},
    }
    customer = {
        "type": "object",
        "properties": customer_properties,
        "required": ["email", "firstName", "lastName", "status", "tags", "addresses", "id"],
        "additionalProperties": False,
    }
    fault = _object(field={"type": "string"}, message={"type": "string"})
    return {
        **definitions,
        "CustomerRequest": request,
        "StoredAddress": stored_address,
        "Customer": customer,
        "Fault": fault,
        "Created": _object(ok={"const": True}, customer=_ref("Customer")),
        "DuplicateKey": _error(
            "duplicate_key", _object(index={"const": "email"}, key=_object(email={"type": "string"}))
        ),
        "ValidationError": _error("validation_error", _object(errors={"type": "array", "items": _ref("Fault")})),
        "InvalidEmail": _error("customer_invalid_email", _object(email={"type": "string"})),
        "InvalidCountry": _error(
            "address_contry_invalid", _object(address={"type": "string"}, field={"type": "string"})
        ),
        "Outcome": {
            "oneOf": [
                _ref(name) for name in ("Created", "DuplicateKey", "ValidationError", "InvalidEmail", "InvalidCountry")
            ]
        },
        "AcceptedTask": _task("PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE"),
        "UnfinishedTask": _task("PENDING", "STARTED", "RETRY"),
        "ResultRequest": {
            "type": "object",
            "properties": {
                "id": {"type": "string", "minLength": 1},
                "wait": {"type": "integer", "minimum": 0, "maximum": 60},
            },
            "required": ["id"],
            "additionalProperties": False,
        },
    }


def error(code: str) -> dict[str, Any]:
    """An error without data."""
    return _object(ok={"const": False}, error={"const": code})


def error_with_id(code: str) -> dict[str, Any]:
    """An error that names its task."""
    return _error(code, _object(id={"type": "string"}))


def not_ready() -> dict[str, Any]:
    """The readiness probe's 503."""
    return _error("not_ready", _object(missing={"type": "array", "items": {"type": "string"}}))


def _error(code: str, data: dict[str, Any]) -> dict[str, Any]:
    return _object(ok={"const": False}, error={"const": code}, data=data)


def _task(*states: str) -> dict[str, Any]:
    return _object(ok={"const": True}, task=_object(id={"type": "string"}, status={"enum": list(states)}))


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _REFERENCE.format(model=name)}
