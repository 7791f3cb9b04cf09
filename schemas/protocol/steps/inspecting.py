"""The step of whoever looks a task up: its way so far, with times, and nothing of its request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.keys import HELD_KEY, State, record_key, result_key
from schemas.protocol.lua_files import load_script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.protocol.call import Call, Script

_INSPECT: Final[Script] = load_script("inspect")
"""The step that looks a task up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task by what an operator may see. Times are Unix milliseconds by Redis' clock."""

    task_id: str
    now: int
    state: State
    accepted_at: int
    sent_at: int | None
    """When its message was last sent."""
    sends: int
    started_at: int | None
    """When a worker started it last."""
    starts: int
    """How often a worker started it without giving it back."""
    finished_at: int | None
    """When it got its outcome or became a dead letter."""
    missing_at: int | None
    """When a sweep first found it neither queued nor held."""
    deferred_at: int | None
    """When a worker that could not read the request first left it to others."""
    leased_until: int | None
    """Until when a worker holds it, unless the worker renews that."""
    reason: str
    detail: str
    parked_times: int
    """How often it became a dead letter."""
    outcome: str
    """The name of the outcome; empty where there is none, or none that can still be read."""
    customer_id: str
    """Empty unless it made a customer."""
    rows: int | None
    """Of a chunk or a part of one. None: a single signup."""
    chunk_id: str
    """Of a part: the chunk that it is a part of."""
    batch_ids: tuple[str, ...]
    """The batches that list the chunk."""
    counted: Mapping[str, int]
    """Name of an outcome → how many of the chunk's rows have it."""


def inspect(task_id: str) -> Call[TaskView | None]:
    """What became of a task, and when; None where there is no record of it. Changes nothing."""
    return _INSPECT.call(
        lambda reply: None if reply is None else _view(task_id, reply),
        keys={"record_key": record_key(task_id), "result_key": result_key(task_id), "leases": HELD_KEY},
        arguments={"task_id": task_id},
    )


def _view(task_id: str, reply: Any) -> TaskView:
    now, record, lease, outcome, customer_id, counted = reply
    state, accepted_at, sent_at, sends, started_at, starts, finished_at, missing_at, deferred_at = record[:9]
    reason, detail, parked_times, rows, root, batches = record[9:]
    return TaskView(
        task_id=task_id,
        now=now,
        state=State(state.decode()),
        accepted_at=int(accepted_at),
        sent_at=_time(sent_at),
        sends=int(sends or 0),
        started_at=_time(started_at),
        starts=int(starts or 0),
        finished_at=_time(finished_at),
        missing_at=_time(missing_at),
        deferred_at=_time(deferred_at),
        leased_until=_time(lease),
        reason=_text(reason),
        detail=_text(detail),
        parked_times=int(parked_times or 0),
        outcome=_text(outcome),
        customer_id=_text(customer_id),
        rows=None if rows is None else int(rows),
        chunk_id=_text(root),
        batch_ids=tuple([each[1:] for each in _text(batches).split()]),
        counted={name.decode(): int(rows) for name, rows in zip(counted[::2], counted[1::2], strict=True)},
    )


def _time(value: bytes | None) -> int | None:
    return None if value is None else int(float(value))


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "replace")
