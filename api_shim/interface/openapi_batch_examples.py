"""The examples of batches in the OpenAPI document. Their lines come from the same code as real lines."""

from __future__ import annotations

import json
from typing import Any, Final

from api_shim.interface.openapi_examples import OUTCOMES, REQUESTS, TASK_ID
from api_shim.methods.answers import batch_answers
from schemas import outcome
from schemas.batch.row_results import rendered, result_line
from schemas.protocol.steps.batches import BatchSummary

NAME: Final = "customers-2026-11.jsonl"
"""The name of the batch in every example."""

ROWS: Final = "".join(json.dumps(request["value"], ensure_ascii=False) + "\n" for request in REQUESTS.values())
"""The body of an upload: two rows."""

_BEGUN: Final = 1_796_083_200_000
"""When the batch was begun, in Unix milliseconds."""

_RUNNING: Final = BatchSummary(
    batch_id=TASK_ID,
    caller="me",
    name=NAME,
    mode="create",
    ordered=False,
    rows=100_000,
    finished=25_000,
    outcomes={"created": 24_990, "duplicate_key": 7, "validation_error": 3},
    upload_ended=True,
    complete=True,
    canceled=False,
    accepted_at=_BEGUN,
    last_at=_BEGUN + 10_000,
    finished_at=None,
    expires_at=None,
    now=_BEGUN + 10_000,
)
"""A batch that is worked on."""

_DONE: Final = BatchSummary(
    batch_id=TASK_ID,
    caller="me",
    name=NAME,
    mode="create",
    ordered=False,
    rows=100_000,
    finished=100_000,
    outcomes={"created": 99_950, "duplicate_key": 40, "validation_error": 10},
    upload_ended=True,
    complete=True,
    canceled=False,
    accepted_at=_BEGUN,
    last_at=_BEGUN + 40_000,
    finished_at=_BEGUN + 40_000,
    expires_at=_BEGUN + 86_440_000,
    now=_BEGUN + 60_000,
)
"""The same once it has ended."""

HEAD: Final = batch_answers.head_of(_RUNNING)
"""What the answers to an upload say of the batch."""


def accepted_example() -> dict[str, Any]:
    """The 202 to an upload."""
    return {"accepted": {"value": _body(batch_answers.batch_accepted(_RUNNING, location="/"))}}


def running_example() -> dict[str, Any]:
    """The summary of a batch that is worked on."""
    return {"running": {"value": _body(batch_answers.batch_result(_RUNNING))}}


def done_example() -> dict[str, Any]:
    """The summary of a batch that has ended."""
    return {"done": {"value": _body(batch_answers.batch_result(_DONE))}}


def list_example() -> dict[str, Any]:
    """A caller's batches."""
    return {"batches": {"value": _body(batch_answers.batch_list((_RUNNING,)))}}


def refused_example(error: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """An upload that was broken off with this error."""
    body: dict[str, Any] = {"ok": False, "error": error}
    return {f"{error}_with_batch": {"value": body | ({"data": data} if data else {}) | {"batch": HEAD}}}


def row_lines() -> str:
    """The answer with rows: one line for each outcome that the docs show."""
    created = OUTCOMES["created"]["value"]
    results = [(created, False), (created, True), (OUTCOMES["duplicate_key"]["value"], False)]
    results += [(OUTCOMES["validation_error"]["value"], False), (outcome.canceled(), False)]
    told = (
        rendered(result_line(each), row=number, known=known) for number, (each, known) in enumerate(results, start=17)
    )
    return b"".join(told).decode()


def _body(answer: Any) -> Any:
    return json.loads(answer.body)
