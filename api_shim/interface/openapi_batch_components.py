"""The components of the OpenAPI document that are about batches."""

from __future__ import annotations

from typing import Any, Final

from api_shim.interface.openapi_answers import answer
from api_shim.interface.openapi_batch_examples import refused_example
from api_shim.interface.openapi_examples import TASK_ID, failure_example
from api_shim.interface.openapi_schemas import JsonSchema, closed, failure_schema, schema_reference
from api_shim.methods.answers.batch_answers import BatchStatus
from api_shim.methods.requests.batch_request import MAXIMUM_NAME_CHARACTERS
from schemas.batch.content import Mode

_COUNT: Final[JsonSchema] = {"type": "integer", "minimum": 0}
"""A number of rows."""
_TIME: Final[JsonSchema] = {"type": "string", "format": "date-time"}
"""A time in UTC."""
_NAME: Final[JsonSchema] = {"type": "string", "pattern": "^[!-~]{1,255}$"}
"""The name of a batch. An idempotency key that serves as one may be longer than a name in the query."""
NAME_PATTERN: Final = rf"^[!-~]{{1,{MAXIMUM_NAME_CHARACTERS}}}$"
"""The form of a name in the query."""
_ERRORS_WITH_DATA: Final = ("duplicate_key", "validation_error", "customer_invalid_email", "address_contry_invalid")
"""The errors of a row that say more in `data`."""
_RETRY: Final = {"retry-after": "RetryAfter"}
"""The headers of an answer after which the same call is worth repeating."""


def _optional(value: JsonSchema, description: str) -> JsonSchema:
    return {"anyOf": [value, {"type": "null"}], "description": description}


def _failure(*errors: str, data: JsonSchema | None = None, batch_optional: bool = False) -> JsonSchema:
    """A failure that says what of the batch is in, where one was begun."""
    failed = failure_schema(*errors, data=data)
    failed["properties"]["batch"] = schema_reference("BatchHead")
    if not batch_optional:
        failed["required"].append("batch")
    return failed


def batch_schemas() -> dict[str, JsonSchema]:
    """Every named schema, by its name."""
    status = {"enum": [each.value for each in BatchStatus]}
    head = {"id": schema_reference("TaskId"), "name": _NAME, "status": status, "rows": _COUNT}
    fault = closed(
        {
            "field": {"type": "string"},
            "message": {"type": "string"},
            "line": {"type": "integer", "minimum": 1, "description": "From this line on the body cannot be read."},
        },
        optional=("line",),
    )
    return {
        "BatchHead": closed(head) | {"description": "The batch. `rows` are those that are accepted."},
        "BatchSummary": closed(_summary(head)) | {"description": "What is known of a batch."},
        "AcceptedBatch": closed({"ok": {"const": True}, "batch": schema_reference("BatchHead")}),
        "BatchResult": closed({"ok": {"const": True}, "batch": schema_reference("BatchSummary")}),
        "BatchList": closed(
            {"ok": {"const": True}, "batches": {"type": "array", "items": schema_reference("BatchSummary")}}
        ),
        "BatchFault": fault,
        "BatchCancelRequest": closed({"id": {"type": "string", "minLength": 1, "examples": [TASK_ID]}}),
        "BatchRow": closed(
            {
                "row": {"type": "integer", "minimum": 1, "description": "The number of the row's line."},
                "ok": {"type": "boolean"},
                "repeated": {"const": True, "description": "The row was in before, and made this customer."},
                "valid": {"const": True, "description": "The row could become a customer (`mode=validate`)."},
                "customer": schema_reference("Customer"),
                "error": {"type": "string"},
                "data": {"anyOf": [schema_reference(f"Error_{error}/properties/data") for error in _ERRORS_WITH_DATA]},
            },
            optional=("repeated", "valid", "customer", "error", "data"),
        )
        | {"description": "One line of the answer with rows: the outcome of the row."},
    }


def _summary(head: dict[str, JsonSchema]) -> dict[str, JsonSchema]:
    number: JsonSchema = {"type": "number", "minimum": 0}
    return {
        "id": head["id"],
        "name": head["name"],
        "mode": {"enum": [each.value for each in Mode]},
        "status": head["status"],
        "complete": {"type": "boolean", "description": "Whether the upload ended as it should."},
        "rows": _COUNT | {"description": "How many rows are accepted."},
        "finished": _COUNT | {"description": "How many of them have an outcome."},
        "outcomes": {
            "type": "object",
            "additionalProperties": _COUNT,
            "description": "How many rows have each outcome: `created`, `repeated`, `valid`, or an error's code.",
        },
        "acceptedAt": _TIME,
        "finishedAt": _optional(_TIME, "When the last row got its outcome."),
        "expiresAt": _optional(_TIME, "Until when the batch can be read; known some seconds after its end."),
        "rowsPerSecond": _optional(number, "How fast rows got their outcomes since the batch was begun."),
        "secondsLeft": _optional(number, "How long the rest takes at that speed."),
    }


def batch_answers() -> dict[str, JsonSchema]:
    """The answers of failed calls, by their names as components."""
    faults = closed({"errors": {"type": "array", "minItems": 1, "items": schema_reference("BatchFault")}})
    unknown = {"errors": [{"field": "mode", "message": "must be create or validate"}]}
    broken = {"errors": [{"field": "", "message": "line 70001 is not UTF-8", "line": 70001}]}
    return {
        "BatchBadRequest": answer(
            "The query or a header is not valid, and nothing was begun. Or the body cannot be read from some line on:"
            " then the rows before it are accepted, and `batch` is there.",
            _failure("validation_error", data=faults, batch_optional=True),
            failure_example("validation_error", unknown) | refused_example("validation_error", broken),
        ),
        "BatchTooSlow": answer(
            "The rest of the body did not come in time. What is in is in. The connection ends.",
            _failure("request_timeout"),
            refused_example("request_timeout"),
        ),
        "BatchTooLarge": answer(
            "The batch would have more rows or bytes than it may. What is in is in.",
            _failure("payload_too_large"),
            refused_example("payload_too_large"),
        ),
        "BatchUnsupportedMediaType": answer(
            "The content type is not NDJSON in UTF-8, or the body is compressed otherwise than by gzip.",
            failure_schema("unsupported_media_type"),
            failure_example("unsupported_media_type"),
        ),
        "BatchTooMany": answer(
            "`queue_full`: as many rows are open as may be, and slowing the upload did not help. What is in is in:"
            " repeat the call. `rate_limited`: the caller has made too many calls, or has too many open batches."
            " Then nothing was begun, and there is no `batch`.",
            _failure("queue_full", "rate_limited", batch_optional=True),
            refused_example("queue_full") | failure_example("rate_limited"),
            _RETRY,
        ),
        "BatchNotAccepted": answer(
            "The broker cannot be used, as many uploads run as may, or the service stops. What is in is in: repeat the"
            " call. There is no `batch` where nothing was begun.",
            _failure("service_unavailable", batch_optional=True),
            refused_example("service_unavailable") | failure_example("service_unavailable"),
            _RETRY,
        ),
        "BatchNotFound": answer(
            "There is no such batch, it has expired, or it belongs to another caller.",
            failure_schema("task_not_found", data=closed({"id": {"type": "string"}})),
            failure_example("task_not_found", {"id": TASK_ID}),
        ),
        "BatchInternalError": _internal_error(),
    }


def _internal_error() -> Any:
    return answer("The service failed.", failure_schema("internal_error"), failure_example("internal_error"))
