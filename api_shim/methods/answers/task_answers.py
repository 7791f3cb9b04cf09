"""The answers of the methods about tasks. Only this module knows the JSON around their states and outcomes."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from edge.answers.responses import encoded_answer, failure, json_answer
from schemas.protocol.keys import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.answers.answer import Answer
    from edge.answers.responses import Headers

_MAXIMUM_ECHOED_ID_CHARACTERS: Final = 128
"""How many characters of a task id the 404 repeats. A client may have sent any text in its place."""
_RETRY_RESULT_SECONDS: Final = 1
"""`Retry-After` of a 202, in seconds: the task has no outcome yet. It is longer where the task needs longer."""
_LONGEST_RETRY_RESULT_SECONDS: Final = 60
"""`Retry-After` of a 202 whose task needs longer: by then more is known."""
RETRY_QUEUE_SECONDS: Final = 5
"""`Retry-After` of a 429 for a full queue, in seconds."""


def accepted(task_id: str, state: State, *, location: str) -> Answer:
    """202 to a create call: the task is promised. `location` is the path at which its outcome can be read."""
    return _task(
        202,
        task_id,
        state,
        {"location": location, "retry-after": str(_RETRY_RESULT_SECONDS), "vary": "Prefer"},
    )


def created_in_time(response: Mapping[str, Any], *, waited_for: int) -> Answer:
    """200 to a create call whose outcome came while it waited: the documented response. `waited_for` is in seconds."""
    return json_answer(200, response, {"preference-applied": f"wait={waited_for}", "vary": "Prefer"})


def unfinished(
    task_id: str, state: State, *, accepted_at_milliseconds: int | None, seconds_left: float | None
) -> Answer:
    """202 to a result call: the task has no outcome yet, so the client asks again.

    Args:
        task_id: the task.
        state: its state.
        accepted_at_milliseconds: when it was accepted, in Unix milliseconds; None where that is not known.
        seconds_left: how long it takes still; None where that is not known.
    """
    # A record can show another state while its outcome is being written. The next call gets that outcome.
    shown = state if state in {State.PENDING, State.RETRY} else State.STARTED
    left = None if seconds_left is None else round(seconds_left, 1)
    accepted_at = shown_time(accepted_at_milliseconds)
    more = f',"acceptedAt":{json.dumps(accepted_at)},"secondsLeft":{json.dumps(left)}'
    retry = max(_RETRY_RESULT_SECONDS, min(math.ceil(left or 0), _LONGEST_RETRY_RESULT_SECONDS))
    return _task(202, task_id, shown, {"retry-after": str(retry)}, more=more)


def shown_time(milliseconds: int | None) -> str | None:
    """A time of Redis as clients see it, in UTC; None where there is none."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def finished(response: Mapping[str, Any]) -> Answer:
    """200 to a result call: the task has its outcome, the documented response."""
    return json_answer(200, response)


def task_not_found(task_id: str) -> Answer:
    """404 to a result call: there is no such task, or none that this caller may read."""
    return failure(404, "task_not_found", data={"id": task_id[:_MAXIMUM_ECHOED_ID_CHARACTERS]})


def idempotency_key_reused() -> Answer:
    """422: the idempotency key was used before, with another body."""
    return failure(422, "idempotency_key_reused")


def queue_full() -> Answer:
    """429: the queue is full. Every caller gets this."""
    return failure(429, "queue_full", headers={"retry-after": str(RETRY_QUEUE_SECONDS)})


def rate_limited(retry_after_seconds: float) -> Answer:
    """429: this caller has made too many calls. `Retry-After` is rounded up to whole seconds."""
    return failure(429, "rate_limited", headers={"retry-after": str(max(1, math.ceil(retry_after_seconds)))})


def dead_letter(task_id: str) -> Answer:
    """500 to a result call: the service itself failed at the task, which now waits for an operator as a dead letter."""
    return failure(500, "internal_error", data={"id": task_id})


def _task(status: int, task_id: str, state: State, headers: Headers, *, more: str = "") -> Answer:
    # Neither an id nor a state needs escapes. The encoder would cost 3 of the 280 microseconds of an accept.
    return encoded_answer(
        status, f'{{"ok":true,"task":{{"id":"{task_id}","status":"{state}"{more}}}}}'.encode(), headers
    )
