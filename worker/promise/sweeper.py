"""Sends again what was lost between the queue and a worker, and what a worker held that died.

kombu's Redis transport takes a message off the queue, and whatever process dies from then on takes it along. The
task's record stays, and says that it has no outcome and nobody works on it.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import structlog

from schemas.protocol import record_scripts
from schemas.protocol.keys import (
    HELD_KEY,
    OPEN_KEY,
    QUEUE,
    RESENT_KEY,
    SWEEPER_LEASE_KEY,
    SWEEPER_PLACE_KEY,
    record_key,
)
from schemas.protocol.message import PLACEHOLDER_ID
from worker.promise.scripts import BatchScript

if TYPE_CHECKING:
    import redis

    from worker.metrics import WorkerMetrics

TASKS_A_CALL: Final = 50
"""Tasks that one call looks at: Redis does nothing else for as long as it takes, a few milliseconds."""

CALLS_A_SWEEP: Final = 800
"""A sweep that is not at its end by then is gone on with by the next one."""

_LINES_A_SWEEP: Final = 100
"""Tasks that are named in the log; of more than these it has the number."""

_LONGEST_GAP_SECONDS: Final = 600.0

MISSED_INTERVALS: Final = 0.5
"""How long a task that nobody ever started on must have been missed, in intervals between two sweeps: longer than a
message is on its way and a worker takes to say that it holds it, and short enough for the next sweep to act."""

log = structlog.get_logger("worker.sweeper")


class Sweeper:
    """Looks through the open tasks, one worker at a time.

    A task is sent again when it is open, was sent before what stands at the queue's head, is under no worker's lease,
    was last sent longer ago than the grace time, which doubles with every send, and (unless a lease of it has run out)
    was found so by an earlier sweep as well. Where that is wrong all the same,
    the second delivery finds the first one's lease, outcome or document and changes nothing.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        message: bytes,
        interval_seconds: float,
        grace_seconds: float,
        lease_seconds: float,
        metrics: WorkerMetrics,
    ) -> None:
        """`lease_seconds`: how long after a worker's last sign of life its tasks are held."""
        self._lease = BatchScript(client, record_scripts.LEASE_SWEEPER, keys=1)
        self._sweep = BatchScript(client, record_scripts.SWEEP, keys=6)
        self._lease_milliseconds = int(900 * interval_seconds)
        """Less than an interval, so that the worker that swept last may be the next one too."""
        self._what_is_due = (
            int(1000 * grace_seconds),
            int(1000 * _LONGEST_GAP_SECONDS),
            message,
            PLACEHOLDER_ID,
            int(1000 * MISSED_INTERVALS * interval_seconds),
            max(int(1000 * lease_seconds), record_scripts.LEAST_CUT_MILLISECONDS),
        )
        self._metrics = metrics
        self._holder = secrets.token_hex(8)

    def sweep_if_due(self) -> int:
        """Sweep, unless another worker has done so within the interval.

        Returns:
            How many tasks were sent again.

        Raises:
            TransientError: Redis is away; the next round is soon enough.
        """
        # The lease is not given back: it also spaces the sweeps of all workers together.
        if not self._lease.run(SWEEPER_LEASE_KEY, self._holder, self._lease_milliseconds):
            return 0
        return self._sweep_on()

    def _sweep_on(self) -> int:
        resent = 0
        for _ in range(CALLS_A_SWEEP):
            ended, _looked_at, *task_ids = self._sweep.run(
                *(OPEN_KEY, QUEUE, HELD_KEY, RESENT_KEY, SWEEPER_LEASE_KEY, SWEEPER_PLACE_KEY),
                *(record_key(""), self._holder, self._lease_milliseconds, TASKS_A_CALL, *self._what_is_due),
            )
            for task_id in task_ids[: max(0, _LINES_A_SWEEP - resent)]:
                log.warning("task_resent", task_id=task_id.decode())
            self._metrics.tasks_resent(len(task_ids))
            resent += len(task_ids)
            if ended:
                break
        if resent > _LINES_A_SWEEP:
            log.warning("tasks_resent", count=resent)
        return resent
