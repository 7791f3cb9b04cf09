"""Keeps what this worker holds from being delivered again while it lives.

kombu's visibility timeout counts from delivery: it would hand a task that waits for MongoDB to a second worker, and has
to be long for that, which makes a killed worker's tasks wait as long. Renewed every few seconds it can be short.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from celery.worker import state

from schemas.task_record import UNACKED_INDEX_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import redis

RENEWALS_A_TIMEOUT = 6
"""Renewals within one visibility timeout, so that a few may fail."""


class Leases:
    """Renews the visibility of all tasks that this process has reserved."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._working: set[str] = set()

    @contextmanager
    def holding(self, task_id: str) -> Iterator[None]:
        """The task is worked on; Celery forgets that it has it when the connection is lost."""
        self._working.add(task_id)
        try:
            yield
        finally:
            self._working.discard(task_id)

    def renew(self) -> int:
        """Set the delivery time of what is held to now.

        Returns:
            How many were held.

        Raises:
            redis.RedisError: Redis is away.
        """
        held = {*_copy(self._working), *(request.id for request in _copy(state.reserved_requests))}
        if held:
            # XX: what was acknowledged meanwhile must not come back. The delivery tag is the task id.
            self._client.zadd(UNACKED_INDEX_KEY, dict.fromkeys(held, time.time()), xx=True)
        return len(held)


def _copy(changing: Iterable[Any]) -> tuple[Any, ...]:
    while True:
        try:
            return tuple(changing)
        except RuntimeError:  # another thread changed the set meanwhile
            continue
