"""The steps of a worker that is done with tasks: it writes their outcome, or gives them back."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.keys import DEAD_KEY, HELD_KEY, OPEN_KEY, RESENT_KEY, record_key, result_key
from schemas.protocol.lanes import SIGNUPS, Lane
from schemas.protocol.lua_files import load_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.events import OutcomeEvent
    from schemas.protocol.call import Call, Script
    from schemas.protocol.steps.working import Delivery

_FINISH: Final[Script] = load_script("finish")
"""The script that writes an outcome once."""
_RELEASE: Final[Script] = load_script("release")
"""The script that gives a started task back."""
_PUT_BACK: Final[Script] = load_script("put_back")
"""The script that puts unbegun messages back at the queue's head."""
_DEFER: Final[Script] = load_script("defer")
"""The script that leaves a task to other workers."""
_PARK: Final[Script] = load_script("park")
"""The script that makes a task a dead letter."""


class RecordChange(StrEnum):
    """What FINISH, RELEASE, DEFER, PARK, REQUEUE and DROP did. Logs and metrics show these values."""

    WRITTEN = "written"
    """The record was changed."""
    FINISHED = "finished"
    """Nothing was changed: there was an outcome before, the task is not this delivery's any more, or (where an operator
    asks) it is no dead letter."""
    OVERDUE = "overdue"
    """Nothing was changed: no worker could read the request for as long as it may wait for one. DEFER alone says so."""
    UNKNOWN = "unknown"
    """There is no record."""

    @classmethod
    def of_reply(cls, reply: Any) -> RecordChange:
        """The change that a script replied."""
        return cls(reply.decode())


def finish(
    task_id: str, result: bytes, *, event: OutcomeEvent, outcome: str, lifetime_seconds: float
) -> Call[RecordChange]:
    """Write a task's outcome with its event, and tell whoever waits for it. The first outcome stays.

    Args:
        task_id: the task.
        result: its Celery result, as it is stored and published.
        event: what is told to other systems.
        outcome: `created` or an error's code, by which it is counted.
        lifetime_seconds: for how long the record and the result stay.
    """
    return _FINISH.call(
        RecordChange.of_reply,
        keys=_ending_keys(task_id),
        arguments={
            "task_id": task_id,
            "result": result,
            "lifetime_milliseconds": int(1000 * lifetime_seconds),
            "event_type": event.type,
            "event_data": event.data,
            "outcome": outcome,
        },
    )


def release(delivery: Delivery, *, message: bytes, lane: Lane = SIGNUPS) -> Call[RecordChange]:
    """Put a task that this delivery has started back at the queue's head, and take the start back.

    Args:
        delivery: what was started.
        message: the task's Celery message.
        lane: the task's lane.
    """
    return _RELEASE.call(
        RecordChange.of_reply,
        keys={"record_key": record_key(delivery.task_id), "leases": HELD_KEY, "queue": lane.queue},
        arguments={
            "task_id": delivery.task_id,
            "delivery": delivery.name,
            "message": message,
            "record_prefix": record_key(""),
        },
    )


def put_back(messages: Sequence[bytes], *, lane: Lane = SIGNUPS) -> Call[int]:
    """Put messages that were taken off the queue, and whose tasks were not started, back at its head.

    Args:
        messages: in the order in which they were taken: the first one becomes the head. Some may be no task's.
        lane: the lane whose queue they were taken off.

    Returns:
        A call whose reply is how many they are.
    """
    return _PUT_BACK.call(
        int,
        keys={"queue": lane.queue, "leases": HELD_KEY},
        arguments={"record_prefix": record_key("")},
        tail=messages,
    )


def defer(delivery: Delivery, *, patience_seconds: float, lane: Lane = SIGNUPS) -> Call[RecordChange]:
    """Leave a task that this delivery has started to other workers: the sweeper sends it again.

    Args:
        delivery: what was started.
        patience_seconds: for how long a task may be left to others. After that the reply is `OVERDUE`.
        lane: the task's lane.
    """
    return _DEFER.call(
        RecordChange.of_reply,
        keys={
            "record_key": record_key(delivery.task_id),
            "leases": HELD_KEY,
            "open_tasks": lane.open_key,
            "resent": lane.resent_key,
        },
        arguments={
            "task_id": delivery.task_id,
            "delivery": delivery.name,
            "patience": int(1000 * patience_seconds),
        },
    )


def park(delivery: Delivery, *, reason: str, detail: str, result: bytes) -> Call[RecordChange]:
    """Make a dead letter of a task that this delivery has started. Its sealed request is kept.

    Args:
        delivery: what was started.
        reason: a code.
        detail: what else an operator may know, and nothing of the request; empty for nothing.
        result: the Celery result that tells of the failure, as it is stored and published.
    """
    return _PARK.call(
        RecordChange.of_reply,
        keys=_ending_keys(delivery.task_id),
        arguments={
            "task_id": delivery.task_id,
            "delivery": delivery.name,
            "reason": reason,
            "detail": detail,
            "result": result,
        },
    )


def _ending_keys(task_id: str) -> dict[str, str]:
    return {
        "record_key": record_key(task_id),
        "open_tasks": OPEN_KEY,
        "dead_letters": DEAD_KEY,
        "result_key": result_key(task_id),
        "leases": HELD_KEY,
        "resent": RESENT_KEY,
    }
