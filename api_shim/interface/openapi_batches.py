"""The part of the OpenAPI document that describes the methods about batches."""

from __future__ import annotations

from typing import Any, Final

from api_shim.interface import openapi_batch_examples as batch_examples
from api_shim.interface.openapi_answers import answer, answer_reference
from api_shim.interface.openapi_batch_components import NAME_PATTERN
from api_shim.interface.openapi_examples import TASK_ID
from api_shim.interface.openapi_paths import IDEMPOTENCY_KEY, header_parameter, json_body, text_answer
from api_shim.interface.openapi_schemas import WAIT, JsonSchema, schema_reference
from api_shim.methods.batch_methods import (
    BATCH_CANCEL_PATH,
    BATCH_LIST_PATH,
    BATCH_PATH,
    BATCH_RESULT_PATH,
    BATCH_ROWS_PATH,
)
from api_shim.methods.requests.batch_request import DEFAULT_LIMIT, MAXIMUM_LIMIT, MEDIA_TYPES
from schemas.batch.content import Mode

_UPLOAD_DESCRIPTION: Final = """\
Many signups in one call, one `customer.create` object a line. The body is read as a stream: it may be gigabytes. A row
is told by the number of its line, from 1; blank lines are no rows. A line that is not JSON, too long, or breaks a rule
is that row's own outcome and stops no other row.

The same row in batches of the same `name` is the same signup. So after any failure, and after some rows were corrected,
make the same call again: rows that are in come out as `repeated`, and nothing is made twice. What was accepted of a
call that broke off is worked.

`curl -X POST -T file.jsonl -H 'content-type: application/x-ndjson' …` sends a file.
"""
"""The document's text about `customer.create.batch`."""

_ROWS_DESCRIPTION: Final = """\
One line a row in the order of lines; each is a `BatchRow`. Rows can be read while later ones still run: the answer ends
before the first row without outcome. Ask again with `after`, the last `row` that you have. With `follow` the call lasts
until the last row has its outcome. An answer that is cut off has no proper end of its body.
"""
"""The document's text about `customer.create.batch.rows`."""

_TRY_RESULT: Final = {
    "result": {
        "operationId": "customerCreateBatchResult",
        "parameters": {"id": "$response.body#/batch/id"},
        "description": "The call that reads the summary.",
    }
}
"""The link from a 202 to the call that reads the summary."""

_ID: Final = {
    "name": "id",
    "in": "query",
    "required": True,
    "schema": {"type": "string", "minLength": 1},
    "example": TASK_ID,
}
"""The parameter that names a batch."""
_REQUEST_ID: Final = {"$ref": "#/components/parameters/RequestId"}
"""The header that every method has."""


def batch_paths() -> JsonSchema:
    """The operations by the paths of their methods."""
    return {
        BATCH_PATH: {"post": _upload()},
        BATCH_RESULT_PATH: {"get": _result_by_query(), "post": _result_by_body()},
        BATCH_ROWS_PATH: {"get": _rows()},
        BATCH_CANCEL_PATH: {"post": _cancel()},
        BATCH_LIST_PATH: {"get": _list()},
    }


def _query(name: str, description: str, value: JsonSchema) -> JsonSchema:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": value}


def _operation(
    operation: str,
    summary: str,
    responses: JsonSchema,
    *,
    parameters: tuple[Any, ...] = (),
    scopes: tuple[str, ...] = (),
) -> JsonSchema:
    return {
        "operationId": operation,
        "tags": ["batch"],
        "summary": summary,
        "security": [{"token": list(scopes)}],
        "parameters": [*parameters, _REQUEST_ID],
        "responses": {
            **responses,
            "401": answer_reference("InvalidToken"),
            "405": answer_reference("MethodNotAllowed"),
            "500": answer_reference("BatchInternalError"),
        },
    }


def _upload() -> JsonSchema:
    ndjson = {
        "schema": {"type": "string"},
        "examples": {"rows": {"summary": "One object a line", "value": batch_examples.ROWS}},
    }
    responses = {
        "200": answer(
            "The call waited and every row got its outcome in time.",
            schema_reference("BatchResult"),
            batch_examples.done_example(),
            {"preference-applied": "PreferenceApplied", "vary": "Vary"},
        ),
        "202": {
            **answer(
                "Every row is accepted, durably. Its status is `CANCELED` if the caller canceled the batch meanwhile.",
                schema_reference("AcceptedBatch"),
                batch_examples.accepted_example(),
                {"location": "Location", "retry-after": "RetryAfter", "vary": "Vary"},
            ),
            "links": _TRY_RESULT,
        },
        "400": answer_reference("BatchBadRequest"),
        "403": answer_reference("InsufficientScope"),
        "408": answer_reference("BatchTooSlow"),
        "413": answer_reference("BatchTooLarge"),
        "415": answer_reference("BatchUnsupportedMediaType"),
        "429": answer_reference("BatchTooMany"),
        "503": answer_reference("BatchNotAccepted"),
    }
    ordered = (
        "Of rows with one email the first always wins, in the whole batch. Costs the use of several workers at once."
    )
    parameters = (
        _query(
            "name",
            "What the rows belong to: an import, a file, a source. The `Idempotency-Key` if none is given, else a new"
            " one.",
            {"type": "string", "pattern": NAME_PATTERN},
        )
        | {"example": batch_examples.NAME},
        _query(
            "mode",
            "`validate`: nothing is hashed or stored; each row is told what `create` would say.",
            {"enum": [each.value for each in Mode], "default": Mode.CREATE.value},
        ),
        _query("ordered", ordered, {"type": "boolean", "default": False}),
        header_parameter("Idempotency-Key", "The name of the batch, if the query has none.", pattern=IDEMPOTENCY_KEY),
        header_parameter("Prefer", "`wait=N`: wait up to N seconds for all rows, at most 60 (RFC 7240).")
        | {"example": "wait=10"},
        header_parameter("Content-Encoding", "`gzip` if the body is compressed.", enum=["identity", "gzip"])
        | {"example": "identity"},
    )
    return {
        **_operation(
            "customerCreateBatch",
            "Create many customers",
            responses,
            parameters=parameters,
            scopes=("customer:create",),
        ),
        "description": _UPLOAD_DESCRIPTION,
        "requestBody": {"required": True, "content": dict.fromkeys(MEDIA_TYPES[:1], ndjson)},
    }


def _summary_responses() -> JsonSchema:
    return {
        "200": answer("Each row has its outcome.", schema_reference("BatchResult"), batch_examples.done_example()),
        "202": answer(
            "Rows have no outcome yet, or still come.",
            schema_reference("BatchResult"),
            batch_examples.running_example(),
            {"retry-after": "RetryAfter"},
        ),
        "400": answer_reference("BadRequest"),
        "404": answer_reference("BatchNotFound"),
        "503": answer_reference("NotReadable"),
    }


def _with_json_body() -> JsonSchema:
    return {
        "408": answer_reference("RequestTimeout"),
        "413": answer_reference("PayloadTooLarge"),
        "415": answer_reference("UnsupportedMediaType"),
    }


def _result_by_query() -> JsonSchema:
    wait = {"name": "wait", "in": "query", "required": False, "schema": WAIT}
    return _operation(
        "customerCreateBatchResult", "Read the summary of a batch", _summary_responses(), parameters=(_ID, wait)
    )


def _result_by_body() -> JsonSchema:
    operation = _operation(
        "customerCreateBatchResultByBody", "Read the summary of a batch", _summary_responses() | _with_json_body()
    )
    return {**operation, "requestBody": json_body("ResultRequest", {"waiting": {"value": {"id": TASK_ID, "wait": 10}}})}


def _rows() -> JsonSchema:
    told = text_answer("application/x-ndjson", "Rows, one line each.")
    told["content"]["application/x-ndjson"]["examples"] = {"rows": {"value": batch_examples.row_lines()}}
    responses = {
        "200": told,
        "400": answer_reference("BadRequest"),
        "404": answer_reference("BatchNotFound"),
        "503": answer_reference("NotReadable"),
    }
    parameters = (
        _ID,
        _query("after", "Leave out rows up to this line.", {"type": "integer", "minimum": 0, "default": 0}),
        _query(
            "limit",
            f"How many rows at most. {DEFAULT_LIMIT} if none is given, and all with `follow`.",
            {"type": "integer", "minimum": 1, "maximum": MAXIMUM_LIMIT},
        ),
        _query("only", "`failed`: leave out the rows that succeeded.", {"enum": ["failed"]}),
        _query("follow", "Hold the call until the last row.", {"type": "boolean", "default": False}),
    )
    operation = _operation("customerCreateBatchRows", "Read the outcomes of rows", responses, parameters=parameters)
    return {**operation, "description": _ROWS_DESCRIPTION}


def _cancel() -> JsonSchema:
    operation = _operation(
        "customerCreateBatchCancel",
        "Cancel the rows that nobody has started on",
        _summary_responses() | _with_json_body() | {"403": answer_reference("InsufficientScope")},
        scopes=("customer:create",),
    )
    return {**operation, "requestBody": json_body("BatchCancelRequest", {"cancel": {"value": {"id": TASK_ID}}})}


def _list() -> JsonSchema:
    return _operation(
        "customerCreateBatchList",
        "List the caller's batches",
        {
            "200": answer(
                "The newest first, up to 1,000.", schema_reference("BatchList"), batch_examples.list_example()
            ),
            "400": answer_reference("BadRequest"),
            "503": answer_reference("NotReadable"),
        },
    )
