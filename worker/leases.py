"""Keeps what this worker has taken from being delivered again while it lives."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from schemas import record_scripts
from schemas.task_record import HELD_KEY, record_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import redis

    from worker.records import Delivery

RENEWALS_A_LEASE = 6
"""Renewals within one lease, so that a few may fail."""


class Leases:
    """Renews the leases of deliveries, from when they were taken off the queue to their end. Thread-safe.

    START takes a lease as well, so that a task's is never older than its start.
    """

    def __init__(self, client: redis.Redis, *, lease_seconds: float) -> None:
        self._renew = client.register_script(record_scripts.RENEW)
        self._lease_milliseconds = int(1000 * lease_seconds)
        self._held: dict[str, str] = {}
        """Each delivery's own name → its task's id; one task may be delivered twice."""

    def hold(self, delivery: Delivery) -> None:
        """It was taken off the queue; `holding` lets go of it at its end."""
        self._held[delivery.name] = delivery.task_id

    @contextmanager
    def holding(self, deliveries: Sequence[Delivery]) -> Iterator[None]:
        """They are worked on."""
        for delivery in deliveries:
            self.hold(delivery)
        try:
            yield
        finally:
            for delivery in deliveries:
                del self._held[delivery.name]

    def renew(self) -> int:
        """Have all leases end a full lease from now.

        Returns:
            How many deliveries are held.

        Raises:
            redis.RedisError: Redis is away.
        """
        held = self._copy()
        if held:
            pairs = [each for name, task_id in held for each in (task_id, name)]
            self._renew(keys=[HELD_KEY], args=[record_key(""), self._lease_milliseconds, *pairs])
        return len(held)

    def _copy(self) -> list[tuple[str, str]]:
        while True:
            try:
                return list(self._held.items())
            except RuntimeError:  # another thread changed it meanwhile
                continue
