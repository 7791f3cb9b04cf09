"""The steps of the worker that sends lost tasks again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.keys import HELD_KEY, SWEEPER_LEASE_KEY, record_key
from schemas.protocol.lanes import SIGNUPS, Lane
from schemas.protocol.lua_files import load_script

if TYPE_CHECKING:
    from schemas.protocol.call import Call, Script

_LEASE_SWEEPER: Final[Script] = load_script("lease_sweeper")
"""The script that takes the sweeper's lease."""
_SWEEP: Final[Script] = load_script("sweep")
"""The script that looks at some open tasks and sends lost ones again."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one call of a sweep did."""

    at_end: bool
    """Whether the sweep is at its end; else the next call goes on where this one stopped."""
    looked_at: int
    """Of tasks."""
    resent: tuple[str, ...]
    """The ids of the tasks that were sent again."""


@dataclass(frozen=True, slots=True)
class AnotherSweeps:
    """The caller does not have the sweeper's lease any more. Nothing was changed."""


def lease_sweeper(holder: str, *, lease_seconds: float) -> Call[bool]:
    """Become the sweeper for so many seconds; the reply says whether that worked. Else another worker is the sweeper.

    `holder` is a name of the caller's own.
    """
    return _LEASE_SWEEPER.call(
        bool,
        keys={"sweeper": SWEEPER_LEASE_KEY},
        arguments={"holder": holder, "lease_milliseconds": round(1000 * lease_seconds)},
    )


def sweep(
    holder: str,
    *,
    sweeper_lease_seconds: float,
    most: int,
    grace_seconds: float,
    longest_gap_seconds: float,
    message: bytes,
    placeholder: str,
    missed_seconds: float,
    task_lease_seconds: float,
    lane: Lane = SIGNUPS,
) -> Call[Swept | AnotherSweeps]:
    """Look at some open tasks, and send again those that are neither in the queue nor with a worker.

    Args:
        holder: the name under which the caller has the sweeper's lease.
        sweeper_lease_seconds: for how long the caller stays the sweeper.
        most: as many tasks are looked at.
        grace_seconds: a task is left alone for so long after it was sent; the time doubles with every send.
        longest_gap_seconds: the longest time between two sends.
        message: a Celery message with the placeholder in place of the task id.
        placeholder: what stands in the message for the task id.
        missed_seconds: a task that nobody ever started must have been missed for so long.
        task_lease_seconds: the longest lease of a task. A longer one comes from before the clock was set back.
        lane: whose tasks are looked at.
    """
    return _SWEEP.call(
        _swept,
        keys={
            "open_tasks": lane.open_key,
            "queue": lane.queue,
            "leases": HELD_KEY,
            "resent": lane.resent_key,
            "sweeper": SWEEPER_LEASE_KEY,
            "place_key": lane.place_key,
        },
        arguments={
            "record_prefix": record_key(""),
            "holder": holder,
            "sweeper_lease_milliseconds": round(1000 * sweeper_lease_seconds),
            "most": most,
            "grace": int(1000 * grace_seconds),
            "longest_gap": int(1000 * longest_gap_seconds),
            "message": message,
            "placeholder": placeholder,
            "missed_milliseconds": int(1000 * missed_seconds),
            "longest_lease": int(1000 * task_lease_seconds),
        },
    )


def _swept(reply: Any) -> Swept | AnotherSweeps:
    ended, looked_at, *resent = reply
    if ended < 0:
        return AnotherSweeps()
    return Swept(bool(ended), looked_at, tuple(task_id.decode() for task_id in resent))
