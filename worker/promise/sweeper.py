"""Sends again what was lost between the queue and a worker, and the tasks of a worker that died.

kombu's Redis transport takes a message off the queue, so a process that dies afterwards takes the message along. The
task's record stays: it says that the task has no outcome, and its lease says when nobody works on it any more.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import structlog

from schemas.protocol.lanes import LANES, Lane
from schemas.protocol.message import PLACEHOLDER_ID, render_message
from schemas.protocol.steps.sweeping import AnotherSweeps, lease_sweeper, sweep
from worker.promise.calls import BrokerCalls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import redis

    from schemas.protocol.call import Call
    from schemas.protocol.steps.sweeping import Swept
    from worker.metrics import WorkerMetrics

TASKS_A_CALL: Final = 50
"""Tasks that one call looks at. Redis does nothing else while it runs, for a few milliseconds."""

CALLS_A_SWEEP: Final = 800
"""Most calls of one sweep. A sweep that is not at its end by then is continued by the next one."""

_LINES_A_SWEEP: Final = 100
"""Most tasks of one sweep that the log names. Where more were sent again, one more line has their number."""

_LONGEST_GAP_SECONDS: Final = 600.0
"""Between two sends of one task."""

MISSED_INTERVALS: Final = 0.5
"""For how long a task that nobody ever started must have been missed, in intervals between two sweeps.

This is longer than a message takes to a worker and the worker takes to say that it holds the task. It is short enough
for the next sweep to act.
"""

_SWEEPER_LEASE_MILLISECONDS_A_SECOND: Final = 900
"""How long the sweeper's lease is, for each second of an interval between two sweeps.

It is less than the interval, so that the worker that swept last may be the next one.
"""

log = structlog.get_logger("worker.sweeper")


class Sweeper:
    """Looks through the open tasks, one worker at a time.

    A task is sent again when all of this holds: it is open; it was sent before the message at the queue's head; no
    worker has a lease of it; it was last sent longer ago than the grace time, which doubles with every send; and an
    earlier sweep found the same, unless a lease of the task has run out. Where the task was not lost all the same, its
    second delivery finds the first one's lease, outcome or document, and changes nothing.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        interval_seconds: float,
        grace_seconds: float,
        lease_seconds: float,
        metrics: WorkerMetrics,
        chores: Sequence[Callable[[], object]] = (),
    ) -> None:
        """Make a sweeper that has not swept yet.

        Args:
            client: a client of the broker.
            interval_seconds: between two sweeps of all workers together.
            grace_seconds: for how long a task is left alone after its message was first sent.
            lease_seconds: for how long a worker's tasks are held after its last sign of life.
            metrics: counts the tasks that are sent again.
            chores: what else one worker alone sees to; each is called with each sweep.
        """
        self._calls = BrokerCalls(client)
        self._messages = {lane: render_message(lane) for lane in LANES}
        self._chores = chores
        self._interval_seconds = interval_seconds
        self._sweeper_lease_seconds = int(_SWEEPER_LEASE_MILLISECONDS_A_SECOND * interval_seconds) / 1000
        self._grace_seconds = grace_seconds
        self._task_lease_seconds = lease_seconds
        self._metrics = metrics
        self._holder = secrets.token_hex(8)

    def sweep_if_due(self) -> int:
        """Sweep, unless another worker has done so within the interval.

        Returns:
            How many tasks were sent again.

        Raises:
            TransientError: Redis is away. The next round is soon enough.
        """
        # The lease is not given back: it also spaces the sweeps of all workers together.
        if not self._calls.run(lease_sweeper(self._holder, lease_seconds=self._sweeper_lease_seconds)):
            return 0
        resent = sum([self._sweep_on(lane) for lane in LANES])
        for chore in self._chores:
            chore()
        return resent

    def _sweep_on(self, lane: Lane) -> int:
        resent = 0
        for _ in range(CALLS_A_SWEEP):
            swept = self._calls.run(self._next_call(lane))
            if isinstance(swept, AnotherSweeps):
                break
            for task_id in swept.resent[: max(0, _LINES_A_SWEEP - resent)]:
                log.warning("task_resent", task_id=task_id)
            self._metrics.tasks_resent(len(swept.resent))
            resent += len(swept.resent)
            if swept.at_end:
                break
        if resent > _LINES_A_SWEEP:
            log.warning("tasks_resent", count=resent)
        return resent

    def _next_call(self, lane: Lane) -> Call[Swept | AnotherSweeps]:
        return sweep(
            self._holder,
            sweeper_lease_seconds=self._sweeper_lease_seconds,
            most=TASKS_A_CALL,
            grace_seconds=self._grace_seconds,
            longest_gap_seconds=_LONGEST_GAP_SECONDS,
            message=self._messages[lane],
            placeholder=PLACEHOLDER_ID,
            missed_seconds=MISSED_INTERVALS * self._interval_seconds,
            task_lease_seconds=self._task_lease_seconds,
            lane=lane,
        )
