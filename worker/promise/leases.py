"""Keeps what this worker has taken from being delivered again while it lives."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from schemas.protocol.steps.working import renew
from worker.promise.calls import BrokerCalls

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import redis

    from schemas.protocol.steps.working import Delivery

_RENEWALS_A_LEASE: Final = 6
"""Renewals within one lease, so that a few may fail."""

_LONGEST_RENEWAL_SECONDS: Final = 10.0
"""Between two renewals, however long the lease is.

Another worker that takes the clock for set back may have cut the lease to a minute.
"""

_DELIVERIES_A_CALL: Final = 500
"""Most leases that one call renews. Redis does nothing else while it runs, for a millisecond or two."""


def renewal_seconds(lease_seconds: float) -> float:
    """The time between two renewals of a lease that lasts so many seconds."""
    return min(lease_seconds / _RENEWALS_A_LEASE, _LONGEST_RENEWAL_SECONDS)


class Leases:
    """Renews the leases of deliveries, from when they were taken off the queue to their end. Thread-safe.

    START takes a lease as well, so a task that has been started always has one.
    """

    def __init__(self, client: redis.Redis, *, lease_seconds: float) -> None:
        self._calls = BrokerCalls(client)
        self._lease_seconds = lease_seconds
        # By the delivery's own name: one task may be delivered twice.
        self._held: dict[str, Delivery] = {}
        # Of these, the ones whose lease has not been renewed yet. It may not have begun.
        self._new: dict[str, Delivery] = {}

    def hold(self, delivery: Delivery) -> None:
        """Hold a delivery that was taken off the queue, until it is let go."""
        self._held[delivery.name] = delivery
        self._new[delivery.name] = delivery

    def let_go(self, delivery: Delivery) -> None:
        """Renew the delivery's lease no more. A lease that it still has runs out."""
        self._held.pop(delivery.name, None)
        self._new.pop(delivery.name, None)

    def count(self) -> int:
        """How many deliveries are held."""
        return len(self._held)

    @contextmanager
    def holding(self, deliveries: Sequence[Delivery]) -> Iterator[None]:
        """Hold these deliveries while they are worked on, and let them go afterwards."""
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
        return self._renew_all(_values(self._held))

    def renew_new(self) -> int:
        """Have the leases begin of those deliveries that were held since the last call and wait for their start.

        Call it more often than the sweeper needs to take a task for lost.

        Returns:
            How many deliveries these are.

        Raises:
            TransientError: Redis is away. The next call renews the leases of these deliveries too.
        """
        new = _values(self._new)
        count = self._renew_all(new)
        for delivery in new:
            self._new.pop(delivery.name, None)
        return count

    def _renew_all(self, deliveries: Sequence[Delivery]) -> int:
        for first in range(0, len(deliveries), _DELIVERIES_A_CALL):
            together = deliveries[first : first + _DELIVERIES_A_CALL]
            self._calls.run(renew(together, lease_seconds=self._lease_seconds))
        return len(deliveries)


def _values(held: dict[str, Delivery]) -> list[Delivery]:
    while True:
        try:
            return list(held.values())
        except RuntimeError:  # another thread changed it meanwhile
            continue
