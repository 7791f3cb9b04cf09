"""The answers of the methods about batches."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from api_shim.methods.answers.task_answers import RETRY_QUEUE_SECONDS, rate_limited, shown_time
from edge.answers.answer import StreamedAnswer
from edge.answers.responses import RETRY_BROKER_SECONDS, failure, json_answer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from edge.answers.answer import Answer
    from schemas.protocol.steps.batches import BatchSummary

_SHORTEST_RETRY_SECONDS: Final = 1
"""`Retry-After` of a 202 whose rows need less, in seconds."""
_LONGEST_RETRY_SECONDS: Final = 30
"""`Retry-After` of a 202 whose rows need longer."""
_UNKNOWN_RETRY_SECONDS: Final = 2
"""`Retry-After` of a 202 while nothing shows how long its rows need: a small batch is done by then."""

_ROWS_HEADERS: Final = [(b"cache-control", b"no-store"), (b"content-type", b"application/x-ndjson")]
"""The headers of rows."""


class BatchStatus(StrEnum):
    """The states of a batch that a client sees."""

    RUNNING = "RUNNING"
    """Rows come, or have no outcome yet."""
    DONE = "DONE"
    """No more rows come, and each has its outcome."""
    CANCELED = "CANCELED"
    """The caller canceled it. Rows that a worker had started on get their outcomes all the same."""


def status_of(summary: BatchSummary) -> BatchStatus:
    """The state that a client sees."""
    if summary.canceled:
        return BatchStatus.CANCELED
    return BatchStatus.DONE if summary.has_ended else BatchStatus.RUNNING


def head_of(summary: BatchSummary) -> dict[str, Any]:
    """What the answers to an upload say of the batch."""
    return batch_head(summary.batch_id, summary.name, status_of(summary), rows=summary.rows)


def batch_head(batch_id: str, name: str, status: BatchStatus, *, rows: int) -> dict[str, Any]:
    """The same of a batch that Redis could not be asked about."""
    return {"id": batch_id, "name": name, "status": status.value, "rows": rows}


def batch_accepted(summary: BatchSummary, *, location: str) -> Answer:
    """202 to an upload: every row is promised. `location` is the path at which the summary can be read."""
    headers = {"location": location, "retry-after": _retry_after(summary), "vary": "Prefer"}
    return json_answer(202, {"ok": True, "batch": head_of(summary)}, headers)


def batch_done_in_time(summary: BatchSummary, *, waited_for: int) -> Answer:
    """200 to an upload whose rows all got their outcomes while it waited. `waited_for` is in seconds."""
    headers = {"preference-applied": f"wait={waited_for}", "vary": "Prefer"}
    return json_answer(200, {"ok": True, "batch": _shown(summary)}, headers)


def batch_result(summary: BatchSummary) -> Answer:
    """The summary of a batch: 202 while rows are unfinished or may come, 200 once none is."""
    body = {"ok": True, "batch": _shown(summary)}
    if summary.has_ended:
        return json_answer(200, body)
    return json_answer(202, body, {"retry-after": _retry_after(summary)})


def batch_list(summaries: tuple[BatchSummary, ...]) -> Answer:
    """200: the summaries of a caller's batches."""
    return json_answer(200, {"ok": True, "batches": [_shown(each) for each in summaries]})


def batch_rows(lines: AsyncGenerator[bytes, None]) -> StreamedAnswer:
    """200: rows, one line of JSON each."""
    return StreamedAnswer(200, lines, _ROWS_HEADERS)


def broken_encoding(batch: Mapping[str, Any], *, line: int, message: str) -> Answer:
    """400 to an upload: the body cannot be read from this line on. The rows before it are accepted."""
    errors = [{"field": "", "message": f"line {line} {message}", "line": line}]
    return failure(400, "validation_error", data={"errors": errors}, beside={"batch": batch})


def upload_too_slow(batch: Mapping[str, Any]) -> Answer:
    """408 to an upload: the rest of the body did not come in time. The connection ends."""
    return failure(408, "request_timeout", beside={"batch": batch}, headers={"connection": "close"})


def upload_too_large(batch: Mapping[str, Any]) -> Answer:
    """413 to an upload: more rows or bytes than a batch may have."""
    return failure(413, "payload_too_large", beside={"batch": batch})


def rows_full(batch: Mapping[str, Any]) -> Answer:
    """429 to an upload: as many rows are open as may be."""
    return failure(429, "queue_full", beside={"batch": batch}, headers={"retry-after": str(RETRY_QUEUE_SECONDS)})


def too_many_batches() -> Answer:
    """429 to an upload: as many batches of this caller are open as may be. Nothing was begun."""
    return rate_limited(RETRY_QUEUE_SECONDS)


def upload_unavailable(batch: Mapping[str, Any], *, is_ending: bool) -> Answer:
    """503 to an upload: Redis cannot be used, or the process stops. What is in is in.

    With `is_ending` the connection ends, since the rest of the body is not waited for.
    """
    headers = {"retry-after": str(RETRY_BROKER_SECONDS)} | ({"connection": "close"} if is_ending else {})
    return failure(503, "service_unavailable", beside={"batch": batch}, headers=headers)


def _shown(summary: BatchSummary) -> dict[str, Any]:
    rate = _rows_per_second(summary)
    return {
        "id": summary.batch_id,
        "name": summary.name,
        "mode": summary.mode,
        "status": status_of(summary).value,
        "complete": summary.complete,
        "rows": summary.rows,
        "finished": summary.finished,
        "outcomes": dict(sorted(summary.outcomes.items())),
        "acceptedAt": shown_time(summary.accepted_at),
        "finishedAt": shown_time(summary.finished_at),
        "expiresAt": shown_time(summary.expires_at),
        "rowsPerSecond": None if rate is None else round(rate, 1),
        "secondsLeft": _seconds_left(summary),
    }


def _rows_per_second(summary: BatchSummary) -> float | None:
    """How fast rows got their outcomes since the batch was begun. None while none has one."""
    until = summary.now if summary.finished_at is None else summary.finished_at
    if not summary.finished or until <= summary.accepted_at:
        return None
    return 1000 * summary.finished / (until - summary.accepted_at)


def _seconds_left(summary: BatchSummary) -> float | None:
    """None while rows may come, and while nothing shows how fast they go."""
    if summary.has_ended:
        return 0.0
    rate = _rows_per_second(summary)
    if rate is None or not summary.upload_ended:
        return None
    return round((summary.rows - summary.finished) / rate, 1)


def _retry_after(summary: BatchSummary) -> str:
    left = _seconds_left(summary)
    seconds = _UNKNOWN_RETRY_SECONDS if left is None else math.ceil(left)
    return str(max(_SHORTEST_RETRY_SECONDS, min(seconds, _LONGEST_RETRY_SECONDS)))
