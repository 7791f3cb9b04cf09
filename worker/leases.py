"""Keeps what this worker works on from being delivered again while it lives."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from schemas import record_scripts
from schemas.task_record import HELD_KEY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import redis

RENEWALS_A_LEASE = 6
"""Renewals within one lease, so that a few may fail."""


class Leases:
    """Renews the leases that START took, for as long as the tasks are worked on. Thread-safe."""

    def __init__(self, client: redis.Redis, *, lease_seconds: float) -> None:
        self._renew = client.register_script(record_scripts.RENEW)
        self._lease_milliseconds = int(1000 * lease_seconds)
        self._held: set[str] = set()

    @contextmanager
    def holding(self, task_ids: Collection[str]) -> Iterator[None]:
        """The tasks are worked on."""
        self._held.update(task_ids)
        try:
            yield
        finally:
            self._held.difference_update(task_ids)

    def renew(self) -> int:
        """Have all leases end a full lease from now.

        Returns:
            How many tasks are held.

        Raises:
            redis.RedisError: Redis is away.
        """
        held = self._copy()
        if held:
            self._renew(keys=[HELD_KEY], args=[self._lease_milliseconds, *held])
        return len(held)

    def _copy(self) -> tuple[str, ...]:
        while True:
            try:
                return tuple(self._held)
            except RuntimeError:  # another thread changed the set meanwhile
                continue
