"""The names of what is kept in Redis: keys, the fields of a task's record, and the states of a task.

The record is a hash. It has no expiry while its task is open. Only the steps (`schemas.protocol.steps`) write to it.
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

With it the sweeper finds the tasks that were sent before the queue's head without looking at the queue.
"""

RESENT_KEY: Final = "intake:resent"
"""Sorted set: id of each open task that was sent more than once → when it was accepted, in Unix milliseconds.

The oldest open task is the first in this set or the first in `OPEN_KEY`.
"""

SWEEPER_LEASE_KEY: Final = "intake:sweeper"
"""The name of the worker that is the sweeper. The key's expiry is the sweeper's lease."""

SWEEPER_PLACE_KEY: Final = "intake:sweeper:place"
"""Hash: where the next sweep goes on, if the last one did not reach its end. Without it the next sweep starts anew."""

DEAD_KEY: Final = "intake:dead"
"""Sorted set: id of each dead letter → when it became one, in Unix milliseconds."""

EVENTS_KEY: Final = "intake:events"
"""Stream: an entry for each event (`schemas.events`), in order. Its fields: `id`, `type`, `at` (Unix milliseconds),
`caller` (whose task or batch it was, which is not told), `data` (JSON), and where its request was traced
`traceparent`.

`lua/includes/append_event.lua` has the same.
"""

EVENTS_TRIMMED_KEY: Final = "intake:events:trimmed"
"""The place of the newest event that was removed from `EVENTS_KEY`."""

HELD_KEY: Final = "intake:held"
"""Sorted set: id of each task that a worker works on → when its lease ends, in Unix milliseconds."""

PAUSED_KEY: Final = "intake:paused"
"""Hash: what workers do not take (`what`), by whose wish (`by`), since when (`at`, Unix milliseconds)."""


def link_key(digest: str) -> str:
    """The key that says that a link to the console was used; `digest` is a hash of what is random in it."""
    return f"intake:console:link:{digest}"


def record_key(task_id: str) -> str:
    """The key of the task's record."""
    return f"intake:task:{task_id}"


def result_key(task_id: str) -> str:
    """The key where Celery's Redis result backend looks for the outcome, and the channel on which it is published."""
    return f"celery-task-meta-{task_id}"


def waiter_channel(name: str) -> str:
    """The channel of the shim process of that name. It carries outcomes that calls wait for: `TASK_ID RESULT`."""
    return f"intake:shim:{name}"


def rate_key(caller: str) -> str:
    """The key that says when the caller's requests so far will be paid for, by the rate limit."""
    return f"intake:rate:{caller}"


RECORD_FORM: Final = 1
"""The version of the form of records that this release writes. It leaves a record with a higher one to other workers.

`lua/includes/form.lua` has the same. When it is raised: `schemas.protocol.steps`.
"""


class State(StrEnum):
    """States of a task, by Celery's names (celery.states) where a client sees them."""

    PENDING = "PENDING"
    """Accepted, waiting in the queue."""
    STARTED = "STARTED"
    """A worker has it."""
    RETRY = "RETRY"
    """A worker had it, and gave it back or died. It will be delivered again."""
    SUCCESS = "SUCCESS"
    """It has an outcome, which may be a documented error."""
    FAILURE = "FAILURE"
    """It has no outcome: it is a dead letter."""
    WAITING = "WAITING"
    """It waits for another task of its batch to end. Chunks and parts alone have this state."""
    SPLIT = "SPLIT"
    """Its parts are tasks of their own. Chunks alone have this state."""


class Field(StrEnum):
    """Fields of the record. Times are Unix milliseconds by Redis' clock.

    The scripts in `schemas/protocol/lua/` write them, and spell them alike. How to add one: `schemas.protocol.steps`.
    """

    FORM = "form"
    """The `RECORD_FORM` of the release that wrote the record. Without the field it is 1."""
    FINGERPRINT = "fingerprint"
    """Of the request, keyed: a repeat under the same id is the same request only where this is the same."""
    SEALED = "sealed"
    """The sealed request. It is removed once there is an outcome."""
    CALLER = "caller"
    """The subject of the token that the request came with: nobody else may read the task."""
    ACCEPTED_AT = "accepted_at"
    """When the task was accepted."""
    SENT_AT = "sent_at"
    """When its message was last sent; of a message that was put back, no later than that of the message behind it."""
    SENDS = "sends"
    """How often its message was sent. Sends to a worker that could not read the request are not counted."""
    STARTS = "starts"
    """How often a worker started the task without giving it back."""
    STARTED_AT = "started_at"
    """When a worker started the task last. Records that a release before 0.3 worked on do not have it."""
    STATE = "state"
    """One of `State`."""
    FINISHED_AT = "finished_at"
    """When the task got its outcome or became a dead letter."""
    MISSING_AT = "missing_at"
    """When a sweep first found the task neither queued nor held."""
    HOLDER = "holder"
    """The name of the delivery that started the task last."""
    WAITER = "waiter"
    """The channel of a shim process in which a call waits for the outcome. It is removed with the outcome."""
    TRACEPARENT = "traceparent"
    """Where the trace of the request goes on, as W3C Trace Context writes it: the span that accepted the task is the
    parent of what is done later. Only where traces are on. A batch has the same field, and a part that of its chunk."""
    REASON = "reason"
    """Why the task is a dead letter: a code."""
    DETAIL = "detail"
    """What else an operator may know of the reason: a dependency's error by name, an index. Nothing of the request."""
    PARKED_TIMES = "parked_times"
    """How often the task became a dead letter."""
    DEFERRED_AT = "deferred_at"
    """When a worker that could not read the request first left it to others. It is removed when another worker, which
    could read it, gives the task back."""
