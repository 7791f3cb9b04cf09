"""Sends again what was lost between the queue and a worker, and what a worker held that died.

kombu's Redis transport takes a message off the queue, and whatever process dies from then on takes it along. The
task's record stays, and says that it has no outcome and nobody works on it.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import structlog

from schemas import record_scripts
from schemas.celery_message import PLACEHOLDER_ID
from schemas.task_record import HELD_KEY, OPEN_KEY, QUEUE, SWEEPER_LEASE_KEY, record_key

if TYPE_CHECKING:
    import redis

    from worker.metrics import WorkerMetrics

_RANKS_A_CALL: Final = 500
"""Open tasks that one call looks at: Redis does nothing else for as long as it takes, a few milliseconds."""

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
        metrics: WorkerMetrics,
    ) -> None:
        self._lease = client.register_script(record_scripts.LEASE_SWEEPER)
        self._sweep = client.register_script(record_scripts.SWEEP)
        self._message = message
        self._interval_seconds = interval_seconds
        self._grace_seconds = grace_seconds
        self._metrics = metrics
        self._holder = secrets.token_hex(8)

    def sweep_if_due(self) -> int:
        """Sweep, unless another worker has done so within the interval.

        Returns:
            How many tasks were sent again.

        Raises:
            redis.RedisError: Redis is away; the next round is soon enough.
        """
        # The lease is not given back: it also spaces the sweeps of all workers together.
        lease_milliseconds = int(900 * self._interval_seconds)
        if not self._lease(keys=[SWEEPER_LEASE_KEY], args=[self._holder, lease_milliseconds]):
            return 0
        return self.sweep()

    def sweep(self) -> int:
        """Look through all open tasks once; see `sweep_if_due`."""
        resent = 0
        rank = 0
        while rank >= 0:
            reply = self._sweep(
                keys=[OPEN_KEY, QUEUE, HELD_KEY],
                args=[
                    record_key(""),
                    rank,
                    _RANKS_A_CALL,
                    int(1000 * self._grace_seconds),
                    int(1000 * _LONGEST_GAP_SECONDS),
                    self._message,
                    PLACEHOLDER_ID,
                    int(1000 * MISSED_INTERVALS * self._interval_seconds),
                ],
            )
            rank = reply[0]
            for task_id in reply[1:]:
                log.warning("task_resent", task_id=task_id.decode())
            resent += len(reply) - 1
        if resent:
            self._metrics.tasks_resent(resent)
        return resent
