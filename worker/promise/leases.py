"""Keeps what this worker has taken from being delivered again while it lives."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from schemas.protocol import record_scripts
from schemas.protocol.keys import HELD_KEY, record_key
from worker.promise.scripts import BatchScript

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import redis

    from worker.promise.records import Delivery

_RENEWALS_A_LEASE: Final = 6
"""Renewals within one lease, so that a few may fail."""

_LONGEST_RENEWAL_SECONDS: Final = 10.0
"""However long the lease: another worker may cut it to a minute, to which it took the clock for set back."""

_DELIVERIES_A_CALL: Final = 500
"""Redis does nothing else for as long as a call takes, a millisecond or two."""


def renewal_seconds(lease_seconds: float) -> float:
    """How often leases are to be renewed."""
    return min(lease_seconds / _RENEWALS_A_LEASE, _LONGEST_RENEWAL_SECONDS)


class Leases:
    """Renews the leases of deliveries, from when they were taken off the queue to their end. Thread-safe.

    START takes a lease as well, so that a task's is never older than its start.
    """

    def __init__(self, client: redis.Redis, *, lease_seconds: float) -> None:
        self._renew = BatchScript(client, record_scripts.RENEW, keys=1)
        self._lease_milliseconds = int(1000 * lease_seconds)
        self._held: dict[str, str] = {}
        """Each delivery's own name → its task's id; one task may be delivered twice."""
        self._new: dict[str, str] = {}
        """Those of them whose lease has not been renewed yet, and may not have begun."""

    def hold(self, delivery: Delivery) -> None:
        """It was taken off the queue; `holding` lets go of it at its end."""
        self._held[delivery.name] = delivery.task_id
        self._new[delivery.name] = delivery.task_id

    def let_go(self, delivery: Delivery) -> None:
        """It is not held any longer; what lease it has runs out."""
        self._held.pop(delivery.name, None)
        self._new.pop(delivery.name, None)

    def count(self) -> int:
        """How many deliveries are held."""
        return len(self._held)

    @contextmanager
    def holding(self, deliveries: Sequence[Delivery]) -> Iterator[None]:
        """They are worked on."""
        for delivery in deliveries:
            self.hold(delivery)
        try:
            yield
        finally:
            for delivery in deliveries:
                self.let_go(delivery)

    def renew(self) -> int:
        """Have all leases end a full lease from now.

        Returns:
            How many deliveries are held.

        Raises:
            TransientError: Redis is away.
        """
        return self._renew_all(_copy(self._held))

    def renew_new(self) -> int:
        """Have the leases of those begin that were held since the last call and wait for their start.

        To be called oftener than the sweeper needs to take a task for lost.

        Returns:
            How many they are.

        Raises:
            TransientError: Redis is away; the next call is for them too.
        """
        new = _copy(self._new)
        count = self._renew_all(new)
        for name, _ in new:
            self._new.pop(name, None)
        return count

    def _renew_all(self, held: Sequence[tuple[str, str]]) -> int:
        for first in range(0, len(held), _DELIVERIES_A_CALL):
            pairs = [each for name, task_id in held[first : first + _DELIVERIES_A_CALL] for each in (task_id, name)]
            self._renew.run(HELD_KEY, record_key(""), self._lease_milliseconds, *pairs)
        return len(held)


def _copy(held: dict[str, str]) -> list[tuple[str, str]]:
    while True:
        try:
            return list(held.items())
        except RuntimeError:  # another thread changed it meanwhile
            continue
