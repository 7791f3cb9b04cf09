"""The task record in Redis: names of keys and fields, states, and the arguments and replies of its scripts.

The record is a hash without expiry while its task is open. The scripts that move it from state to state are in
`schemas.protocol.record_scripts`; nothing else writes to it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

TASK_NAME: Final = "customer.create"
"""The Celery task's name; on the wire, so never made from a module's path."""

QUEUE: Final = "customer.create"
"""The Celery queue, and so the Redis list that kombu keeps it in."""

OPEN_KEY: Final = "intake:open"
"""Sorted set: id of each open task → when its message was last sent, in Unix milliseconds.

So the sweeper finds what was sent before the queue's head without looking at what waits in the queue.
"""

RESENT_KEY: Final = "intake:resent"
"""Sorted set: id of each open task that was sent more than once → when it was accepted, in Unix milliseconds.

The oldest open task is the first of this one or the first of `OPEN_KEY`.
"""

SWEEPER_LEASE_KEY: Final = "intake:sweeper"
"""Held by the worker that sweeps, with an expiry."""

SWEEPER_PLACE_KEY: Final = "intake:sweeper:place"
"""Where a sweep goes on that was not at its end; missing where the next one starts anew."""

DEAD_KEY: Final = "intake:dead"
"""Sorted set: id of each dead letter → when it became one, in Unix milliseconds."""

HELD_KEY: Final = "intake:held"
"""Sorted set: id of each task that a worker works on → when its lease ends, in Unix milliseconds."""


def record_key(task_id: str) -> str:
    """The task's record."""
    return f"intake:task:{task_id}"


def result_key(task_id: str) -> str:
    """Where Celery's Redis result backend looks for the outcome, and the channel on which it is published."""
    return f"celery-task-meta-{task_id}"


def waiter_channel(name: str) -> str:
    """Where a shim process of that name hears of the outcomes that its calls wait for: `TASK_ID RESULT`."""
    return f"intake:shim:{name}"


def rate_key(caller: str) -> str:
    """The caller's place in the rate limit."""
    return f"intake:rate:{caller}"


class State(StrEnum):
    """States of a task, by Celery's names (celery.states) where a client sees them."""

    PENDING = "PENDING"
    """Accepted, waiting in the queue."""
    STARTED = "STARTED"
    """A worker has it."""
    RETRY = "RETRY"
    """A worker had it and gave it back or died; it will be delivered again."""
    SUCCESS = "SUCCESS"
    """It has an outcome, which may be a documented error."""
    FAILURE = "FAILURE"
    """It has none and is parked as a dead letter."""


class Field(StrEnum):
    """Fields of the record. The scripts spell them alike."""

    FINGERPRINT = "fingerprint"
    SEALED = "sealed"
    """The sealed request; gone once there is an outcome."""
    CALLER = "caller"
    ACCEPTED_AT = "accepted_at"
    """Times are Unix milliseconds by Redis' clock."""
    SENT_AT = "sent_at"
    SENDS = "sends"
    """How often the message was put on the queue; sends to a worker that could not read the request are left out."""
    STARTS = "starts"
    """How often a worker started on it without giving it back."""
    STATE = "state"
    FINISHED_AT = "finished_at"
    MISSING_AT = "missing_at"
    """When a sweep first found it neither queued nor held."""
    HOLDER = "holder"
    """Which delivery started it last."""
    WAITER = "waiter"
    """The channel of a shim process in which a call waits for the outcome, gone with the outcome."""
    REASON = "reason"
    """Why it is a dead letter: a code."""
    DETAIL = "detail"
    """What else an operator may know of it: a dependency's error by name, an index. Nothing of the request."""
    DEFERRED_AT = "deferred_at"
    """When a worker that could not read the request first left it to others, since it was last given back."""


class Accepted(StrEnum):
    """What the ACCEPT script replies first."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    """The same request has this id already: a repeat by the client, or of a call whose answer was lost."""
    REUSED = "reused"
    """Another request has this id: the idempotency key was used before."""
    LATE = "late"
    """The call came to Redis after its time was over; nothing was changed."""
    QUEUE_FULL = "queue_full"
    RATE_LIMITED = "rate_limited"


class Started(StrEnum):
    """What the START script replies first."""

    STARTED = "started"
    FINISHED = "finished"
    """There is an outcome already: nothing to do."""
    PARKED = "parked"
    """It is a dead letter: nothing to do, an operator has it."""
    HELD = "held"
    """Another delivery of it is being worked on, under a lease that has not run out: nothing to do."""
    ALONE = "alone"
    """It was started before and came to nothing: nothing was counted, start it again with nothing beside it."""
    UNKNOWN = "unknown"
    """No such record: it expired, was dropped, or Redis lost it."""


class Finished(StrEnum):
    """What the FINISH, RELEASE, DEFER and PARK scripts reply."""

    WRITTEN = "written"
    FINISHED = "finished"
    """An outcome was there before, or the task is not this delivery's any more; nothing was changed."""
    OVERDUE = "overdue"
    """Nobody could read the request for as long as it may wait; nothing was changed."""
    UNKNOWN = "unknown"
