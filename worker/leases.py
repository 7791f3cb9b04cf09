"""Keeps what this worker holds from being delivered again while it lives.

kombu's visibility timeout counts from delivery: it would hand a task that waits for MongoDB to a second worker, and has
to be long for that, which makes a killed worker's tasks wait as long. Renewed every few seconds it can be short.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from celery.worker import state

from schemas.task_record import UNACKED_INDEX_KEY

if TYPE_CHECKING:
    import redis

RENEWALS_A_TIMEOUT = 6
"""Renewals within one visibility timeout, so that a few may fail."""


class Leases:
    """Renews the visibility of all tasks that this process has reserved."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def renew(self) -> int:
        """Set the delivery time of what is held to now.

        Returns:
            How many were held.

        Raises:
            redis.RedisError: Redis is away.
        """
        held = _reserved_task_ids()
        if held:
            # XX: what was acknowledged meanwhile must not come back. The delivery tag is the task id.
            self._client.zadd(UNACKED_INDEX_KEY, dict.fromkeys(held, time.time()), xx=True)
        return len(held)


def _reserved_task_ids() -> list[str]:
    while True:
        try:
            return [request.id for request in tuple(state.reserved_requests)]
        except RuntimeError:  # the set was changed by another thread while it was copied
            continue
