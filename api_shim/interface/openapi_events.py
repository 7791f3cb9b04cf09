"""The part of the OpenAPI document that describes the method that tells events."""

from __future__ import annotations

from typing import Any, Final, get_args

from api_shim.interface.openapi_answers import answer, answer_reference
from api_shim.interface.openapi_examples import TASK_ID, failure_example
from api_shim.interface.openapi_schemas import JsonSchema, closed, failure_schema, schema_reference
from api_shim.methods.event_methods import EVENTS_PATH
from api_shim.methods.requests.arguments import MAXIMUM_WAIT_SECONDS
from api_shim.methods.requests.event_request import CURSOR_PATTERN, DEFAULT_LIMIT, MAXIMUM_LIMIT
from schemas.events import EVENTS_SCOPE, EventType
from schemas.outcome import ErrorCode
from schemas.protocol.steps.eventing import WhyGone

_DESCRIPTION: Final = """\
What became of signups and batches, in order, for callers with the scope `customer:events`. Such a caller reads the
events of every caller. An event holds ids and codes, and nothing personal.

Keep `next`, and give it as `after` in the next call. With `wait` the call is held until there is an event. Events are
kept for 7 days by default. The same event may come again with the same `id` after Redis has lost data, so keep ids too
where a repeat would harm.
"""
"""The document's text about `customer.events`."""

_CURSOR: Final = "1798243200000-0"
"""The cursor in the examples."""


def event_paths() -> JsonSchema:
    """The operation by the path of its method."""
    return {EVENTS_PATH: {"get": _events()}}


def _query(name: str, description: str, value: JsonSchema) -> JsonSchema:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": value}


def _events() -> JsonSchema:
    wait: JsonSchema = {"type": "integer", "minimum": 0, "maximum": MAXIMUM_WAIT_SECONDS, "default": 0}
    limit: JsonSchema = {"type": "integer", "minimum": 1, "maximum": MAXIMUM_LIMIT, "default": DEFAULT_LIMIT}
    return {
        "operationId": "customerEvents",
        "tags": ["event"],
        "summary": "Read what became of signups and batches",
        "description": _DESCRIPTION,
        "security": [{"token": [EVENTS_SCOPE]}],
        "parameters": [
            _query(
                "after",
                "The `next` of an earlier answer. Without it: from the oldest event that is kept.",
                {"type": "string", "pattern": CURSOR_PATTERN},
            ),
            _query("limit", "How many events at most.", limit),
            _query("wait", "How many seconds to wait where there is no event yet.", wait),
            {"$ref": "#/components/parameters/RequestId"},
        ],
        "responses": {
            "200": answer("Events, the oldest first.", schema_reference("Events"), _events_example()),
            "400": answer_reference("BadRequest"),
            "401": answer_reference("InvalidToken"),
            "403": answer_reference("InsufficientScope"),
            "405": answer_reference("MethodNotAllowed"),
            "410": answer_reference("EventsGone"),
            "500": answer_reference("InternalError"),
            "503": answer_reference("NotReadable"),
        },
    }


def event_schemas() -> dict[str, JsonSchema]:
    """The named schemas of events."""
    task = schema_reference("TaskId")
    code: JsonSchema = {"enum": list(get_args(ErrorCode))}
    rows: JsonSchema = {"type": "integer", "minimum": 0}
    of_a_row = {"batch": task, "line": {"type": "integer", "minimum": 1, "description": "In the batch's body."}}
    data = {
        EventType.CREATED: closed(
            {
                "task": task,
                "customer": {"type": "string", "pattern": "^[0-9A-Za-z]+$"},
                "repeated": {"const": True, "description": "Of a row that was in before."},
                **of_a_row,
            },
            optional=("repeated", *of_a_row),
        ),
        EventType.FAILED: closed({"task": task, "error": code, **of_a_row}, optional=tuple(of_a_row)),
        EventType.PARKED: closed(
            {"task": task, "error": {"const": "internal_error"}, "batch": task, "rows": rows},
            optional=("batch", "rows"),
        ),
        EventType.BATCH_COMPLETED: closed({"batch": task, "status": {"enum": ["DONE", "CANCELED"]}, "rows": rows}),
    }
    return {
        "Event": {"oneOf": [_event(type_, each) for type_, each in data.items()]},
        "Events": closed(
            {
                "ok": {"const": True},
                "events": {"type": "array", "items": schema_reference("Event")},
                "next": {"type": "string", "description": "The cursor for the next call."},
            }
        ),
    }


def _event(type_: EventType, data: JsonSchema) -> JsonSchema:
    return closed(
        {
            "id": {"type": "string", "pattern": "^evt_", "description": "The same for the same outcome."},
            "type": {"const": type_.value},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": data,
        }
    )


def event_answers() -> dict[str, JsonSchema]:
    """The answer of a failed call that no other method gives."""
    data = closed({"reason": {"enum": [each.value for each in WhyGone]}, "next": {"type": "string"}})
    return {
        "EventsGone": answer(
            "Events after this cursor are gone. `trimmed`: some of them were too old to be kept. `lost`: Redis lacks"
            " an event that it has told. Go on with `data.next`: no event is left out, and some may come again.",
            failure_schema("events_gone", data=data),
            failure_example("events_gone", {"reason": WhyGone.TRIMMED.value, "next": _CURSOR}),
        )
    }


def _events_example() -> dict[str, Any]:
    event = {
        "id": f"evt_{TASK_ID}",
        "type": EventType.CREATED.value,
        "timestamp": "2026-12-26T00:00:00.000Z",
        "data": {"task": TASK_ID, "customer": "HkhhuXESl"},
    }
    return {
        "one": {"value": {"ok": True, "events": [event], "next": _CURSOR}},
        "none": {"value": {"ok": True, "events": [], "next": _CURSOR}},
    }
