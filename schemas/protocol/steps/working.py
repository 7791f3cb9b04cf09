"""The steps of a worker that takes tasks: start them, and keep them while it works."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.keys import HELD_KEY, record_key
from schemas.protocol.lua_files import load_script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.protocol.call import Argument, Call, Script

_START: Final[Script] = load_script("start")
"""The script that hands over a task with a lease."""
_RENEW: Final[Script] = load_script("renew")
"""The script that renews a lease."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A task's message that a worker has taken off the queue. One task may be delivered more than once."""

    task_id: str
    name: str
    """Of this delivery alone."""


@dataclass(frozen=True, slots=True)
class Started:
    """A task that a delivery has started, with its request."""

    sealed: bytes = field(repr=False)
    fingerprint: str
    starts: int
    """This start included."""
    waited_seconds: float
    """Since the task was accepted."""
    form: int
    """As `schemas.protocol.keys.Field.FORM`."""
    traceparent: str = ""
    """As `schemas.protocol.keys.Field.TRACEPARENT`; empty where there is none."""


class NotStarted(StrEnum):
    """Why START handed nothing over. Logs and metrics show these values."""

    FINISHED = "finished"
    """There is an outcome already: nothing is left to do."""
    PARKED = "parked"
    """The task is a dead letter: an operator decides what happens to it."""
    LEASED = "held"
    """Another delivery of the task is being worked on, under a lease that has not run out."""
    ALONE = "alone"
    """The task was started before, without an outcome. No start was counted: start it again with nothing beside it."""
    CANCELED = "canceled"
    """The caller has canceled the batch. START_CHUNK has given the rows this outcome."""
    UNKNOWN = "unknown"
    """There is no record: it has expired, an operator dropped it, or Redis lost it."""


def start(delivery: Delivery, *, lease_seconds: float, alone: bool) -> Call[Started | NotStarted]:
    """Take a lease of the task, count a start, and hand the request over. A repeat by the same delivery counts once.

    Args:
        delivery: what is started.
        lease_seconds: for how long no other delivery can start the task, unless the lease is renewed.
        alone: nothing else runs in this process. A task that was started twice without an outcome is started only so.
    """
    return _START.call(
        _started,
        keys={"record_key": record_key(delivery.task_id), "leases": HELD_KEY},
        arguments={
            "task_id": delivery.task_id,
            "delivery": delivery.name,
            "lease_milliseconds": int(1000 * lease_seconds),
            "alone": int(alone),
        },
    )


def renew(deliveries: Iterable[Delivery], *, lease_seconds: float) -> Call[int]:
    """Have the leases of these deliveries end so many seconds from now; the reply is how many they are.

    A task that waits to be started gets a lease by it. A task that has ended, or that another delivery has started, is
    left as it is.
    """
    tail: list[Argument] = []
    for delivery in deliveries:
        tail += delivery.task_id, delivery.name
    return _RENEW.call(
        int,
        keys={"leases": HELD_KEY},
        arguments={"record_prefix": record_key(""), "lease_milliseconds": int(1000 * lease_seconds)},
        tail=tail,
    )


def _started(reply: Any) -> Started | NotStarted:
    if reply[0] != b"started":
        return NotStarted(reply[0].decode())
    _, sealed, fingerprint, starts, accepted_at, now, form, traceparent = reply
    return Started(sealed, fingerprint.decode(), starts, (now - accepted_at) / 1000, form, traceparent.decode())
