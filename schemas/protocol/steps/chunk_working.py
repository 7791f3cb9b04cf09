"""The steps of a worker that works on chunks of batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.batch_keys import BATCHES_KEY
from schemas.protocol.keys import HELD_KEY, record_key
from schemas.protocol.lua_files import load_script
from schemas.protocol.steps.ending import RecordChange
from schemas.protocol.steps.working import NotStarted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schemas.events import OutcomeEvent
    from schemas.protocol.call import Argument, Call, Script
    from schemas.protocol.steps.working import Delivery

_START_CHUNK: Final[Script] = load_script("start_chunk")
"""The step that hands over a chunk with a lease."""
_SPLIT_CHUNK: Final[Script] = load_script("split_chunk")
"""The step that halves a chunk."""
_FINISH_CHUNK: Final[Script] = load_script("finish_chunk")
"""The step that writes the outcomes of rows."""
_PARK_CHUNK: Final[Script] = load_script("park_chunk")
"""The step that makes a dead letter of rows."""
_CLAIM_EMAILS: Final[Script] = load_script("claim_emails")
"""The step that finds duplicates within a validated batch."""
_SETTLE_BATCHES: Final[Script] = load_script("settle_batches")
"""The step that looks after batches that are due."""


@dataclass(frozen=True, slots=True)
class StartedChunk:
    """A chunk, or a part of one, that a delivery has started."""

    sealed: bytes = field(repr=False)
    """The whole chunk, sealed for the task `chunk_id`."""
    chunk_id: str
    """The chunk's id: the task's own, or for a part that of its chunk."""
    first: int
    """The place of the first row that is to be worked on."""
    end: int
    """The place after the last one."""
    starts: int
    """This start included. A part begins with one."""
    waited_seconds: float
    """Since the chunk was accepted."""
    form: int
    """As `schemas.protocol.keys.Field.FORM`."""
    traceparent: str = ""
    """As `schemas.protocol.keys.Field.TRACEPARENT`; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is to be made."""

    task_id: str
    message: bytes
    """Its Celery message."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is to become a dead letter of its own, while the others of its chunk have their outcomes."""

    place: int
    """In the chunk."""
    part_id: str
    """The id of the part that has this row alone."""
    reason: str
    """A code."""
    detail: str
    """What else an operator may know; empty for nothing."""


def start_chunk(delivery: Delivery, *, lease_seconds: float, alone: bool) -> Call[StartedChunk | NotStarted]:
    """Take a lease of a chunk or a part, count a start, and hand the request over. As `working.start` otherwise."""
    return _START_CHUNK.call(
        _started,
        keys={"record_key": record_key(delivery.task_id), "leases": HELD_KEY},
        arguments={
            "task_id": delivery.task_id,
            "delivery": delivery.name,
            "lease_milliseconds": int(1000 * lease_seconds),
            "alone": int(alone),
        },
    )


def split_chunk(delivery: Delivery, *, chunk_id: str, middle: int, left: Part, right: Part) -> Call[RecordChange]:
    """Halve a chunk or a part that this delivery has started. Each half is a task of its own from then on.

    Args:
        delivery: what was started.
        chunk_id: the chunk's id.
        middle: the place of the right half's first row.
        left: the part of the rows before that.
        right: the part of the others.
    """
    return _SPLIT_CHUNK.call(
        RecordChange.of_reply,
        keys={"record_key": record_key(delivery.task_id), "chunk_key": record_key(chunk_id)},
        arguments={
            "task_id": delivery.task_id,
            "delivery": delivery.name,
            "chunk_id": chunk_id,
            "middle": middle,
            "left_id": left.task_id,
            "left_message": left.message,
            "right_id": right.task_id,
            "right_message": right.message,
        },
    )


def finish_chunk(
    task_id: str,
    *,
    chunk_id: str,
    results: bytes,
    counts: Mapping[str, int],
    refused: Sequence[RefusedRow] = (),
    told: Sequence[tuple[int, OutcomeEvent]] = (),
) -> Call[RecordChange]:
    """Write the outcomes of all rows of a chunk or a part. The first outcomes stay.

    Args:
        task_id: the chunk or the part.
        chunk_id: the chunk's id.
        results: the packed results of the rows, in order. Refused rows are among them, with `internal_error`.
        counts: name of an outcome → how many rows have it; all rows together.
        refused: rows that become dead letters. A part of a single row is parked with `park_chunk` instead.
        told: the place of each row that has an event of its own, with that event. The step adds to its data where the
            row stands.
    """
    tail: list[Argument] = []
    for row in refused:
        tail += row.place, row.part_id, row.reason, row.detail
    for place, event in told:
        tail += place, event.type, event.data
    for outcome, count in counts.items():
        tail += outcome, count
    return _FINISH_CHUNK.call(
        RecordChange.of_reply,
        keys={"record_key": record_key(task_id), "chunk_key": record_key(chunk_id)},
        arguments={
            "task_id": task_id,
            "chunk_id": chunk_id,
            "results": results,
            "refused": len(refused),
            "told": len(told),
        },
        tail=tail,
    )


def park_chunk(delivery: Delivery, *, chunk_id: str, reason: str, detail: str) -> Call[RecordChange]:
    """Make a dead letter of a chunk or a part that this delivery has started.

    Args:
        delivery: what was started.
        chunk_id: the chunk's id.
        reason: a code.
        detail: what else an operator may know, and nothing of the rows; empty for nothing.
    """
    return _PARK_CHUNK.call(
        RecordChange.of_reply,
        keys={"record_key": record_key(delivery.task_id), "chunk_key": record_key(chunk_id)},
        arguments={
            "task_id": delivery.task_id,
            "delivery": delivery.name,
            "reason": reason,
            "detail": detail,
        },
    )


def claim_emails(
    batch_id: str, claims: Sequence[tuple[bytes, bytes]], *, lifetime_seconds: float
) -> Call[tuple[bool, ...]]:
    """Find out which rows are the first of their batch with their email. A repeated call gives the same reply.

    Args:
        batch_id: the validated batch.
        claims: for each row a keyed hash of its email, and bytes that tell the row from others.
        lifetime_seconds: for how long the claims are kept.
    """
    tail: list[Argument] = []
    for email, row in claims:
        tail += email, row
    return _CLAIM_EMAILS.call(
        _bools,
        keys={},
        arguments={"batch_id": batch_id, "lifetime_milliseconds": int(1000 * lifetime_seconds)},
        tail=tail,
    )


def settle_batches(*, most: int, lifetime_seconds: float) -> Call[bool]:
    """Look after one batch that is due; the reply says whether another call may find more to do.

    Args:
        most: how many chunks the call looks at.
        lifetime_seconds: for how long a batch that has ended can be read.
    """
    return _SETTLE_BATCHES.call(
        bool,
        keys={"batches_due": BATCHES_KEY},
        arguments={"most": most, "lifetime_milliseconds": int(1000 * lifetime_seconds)},
    )


def _started(reply: Any) -> StartedChunk | NotStarted:
    if reply[0] != b"started":
        return NotStarted(reply[0].decode())
    _, sealed, chunk_id, first, end, starts, accepted_at, now, form, traceparent = reply
    waited_seconds = (now - accepted_at) / 1000
    return StartedChunk(sealed, chunk_id.decode(), first, end, starts, waited_seconds, form, traceparent.decode())


def _bools(reply: Any) -> tuple[bool, ...]:
    return tuple(map(bool, reply))
