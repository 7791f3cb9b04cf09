"""Events: what became of a task or of a batch, told to other systems. They hold ids and codes, and nothing personal.

The form of their payload is that of Standard Webhooks (https://www.standardwebhooks.com): type, timestamp, data.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from schemas.outcome import Outcome

EVENTS_SCOPE: Final = "customer:events"
"""The scope of callers that may read events. They read those of all callers."""


class EventType(StrEnum):
    """The types of events, as clients see them. The scripts in `schemas/protocol/lua/` spell the last two alike."""

    CREATED = "customer.created"
    """A signup became a customer."""
    FAILED = "customer.create.failed"
    """A signup has one of the documented errors as its outcome."""
    PARKED = "customer.create.parked"
    """A task is a dead letter. If an operator sends it again, another event tells what became of it."""
    BATCH_COMPLETED = "customer.create.batch.completed"
    """The upload of a batch has ended, and each of its rows has an outcome."""


class OutcomeEvent(NamedTuple):
    """What the event of an outcome tells."""

    type: EventType
    data: bytes
    """The payload's `data` as a JSON object."""


def outcome_event(task_id: str, outcome: Outcome) -> OutcomeEvent:
    """The event of a single signup's outcome."""
    if outcome["ok"]:
        return OutcomeEvent(EventType.CREATED, _json({"task": task_id, "customer": outcome["customer"]["id"]}))
    return OutcomeEvent(EventType.FAILED, _json({"task": task_id, "error": outcome["error"]}))


def row_event(outcome: Outcome) -> OutcomeEvent:
    """The event of a row of a batch. The step that appends it adds where the row stands."""
    if outcome["ok"]:
        repeated = {"repeated": True} if "repeated" in outcome else {}
        return OutcomeEvent(EventType.CREATED, _json({"customer": outcome["customer"]["id"], **repeated}))
    return OutcomeEvent(EventType.FAILED, _json({"error": outcome["error"]}))


def event_payload(type_: str, *, at_milliseconds: int, data: bytes) -> bytes:
    """An event as other systems read it: JSON with `type`, `timestamp` and `data`.

    Args:
        type_: one of `EventType`.
        at_milliseconds: when it happened, in Unix milliseconds.
        data: a JSON object.
    """
    at = datetime.fromtimestamp(at_milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    timestamp = at.replace("+00:00", "Z")
    return f'{{"type":"{type_}","timestamp":"{timestamp}","data":'.encode() + data + b"}"


def _json(data: dict[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()
