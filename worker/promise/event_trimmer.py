"""Removes old events from the outbox, with each sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from schemas.protocol.steps.eventing import trim_events
from worker.promise.calls import BrokerCalls

if TYPE_CHECKING:
    import redis

    from worker.metrics import WorkerMetrics

EVENTS_A_CALL: Final = 500
"""Events that one call removes. Redis does nothing else while it runs, for a millisecond or two."""

CALLS_A_ROUND: Final = 200
"""Most calls of one round. What is left over is removed in the next."""

log = structlog.get_logger("worker.events")


class EventTrimmer:
    """Keeps the outbox as long as the settings say."""

    def __init__(
        self, client: redis.Redis, *, kept_seconds: float, unread_seconds: float, metrics: WorkerMetrics
    ) -> None:
        """Nothing is removed yet.

        Args:
            client: a client of the broker.
            kept_seconds: for how long events are kept at least.
            unread_seconds: for how long events are kept that a consumer group has not acknowledged.
            metrics: counts what is removed although a consumer group needed it.
        """
        self._calls = BrokerCalls(client)
        self._call = trim_events(kept_seconds=kept_seconds, unread_seconds=unread_seconds, most=EVENTS_A_CALL)
        self._metrics = metrics

    def trim(self) -> None:
        """Remove what is too old.

        Raises:
            TransientError: Redis is away. The next round is soon enough.
        """
        unread = 0
        for _ in range(CALLS_A_ROUND):
            trimmed = self._calls.run(self._call)
            unread += trimmed.unread
            if trimmed.removed < EVENTS_A_CALL:
                break
        if unread:
            self._metrics.unread_events_removed(unread)
            log.warning("unread_events_removed", count=unread)
