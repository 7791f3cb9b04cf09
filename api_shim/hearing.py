"""What a process hears from Redis while calls wait: outcomes, and that there are events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_shim.broker.pubsub import PROTOCOL
from api_shim.intake.event_news import EventNews
from api_shim.intake.subscription import OutcomeSubscription
from startup.broker.redis_clients import redis_pool

if TYPE_CHECKING:
    from api_shim.broker.redis_reports import RedisReports
    from api_shim.metrics import ShimMetrics
    from startup.broker.redis_url import RedisUrl


class Hearing:
    """The two connections on which calls wait, and one bound for all these calls."""

    def __init__(self, url: RedisUrl, *, maximum_waiting: int, reports: RedisReports, metrics: ShimMetrics) -> None:
        """Make both; they are started and closed by their owner."""
        pool = redis_pool(url, protocol=PROTOCOL, socket_timeout=None)

        def show(_: int) -> None:
            metrics.waiting(self.waiting)

        self.outcomes = OutcomeSubscription(
            pool, maximum_listeners=maximum_waiting, on_refused=reports.refused, on_listening=show
        )
        self.events = EventNews(
            pool,
            has_room=lambda: self.waiting < maximum_waiting,
            on_refused=reports.refused,
            on_listening=show,
        )

    @property
    def waiting(self) -> int:
        """How many calls wait now."""
        return self.outcomes.listening + self.events.listening

    @property
    def draining(self) -> bool:
        """Whether the process shuts down."""
        return self.outcomes.draining

    def renew(self) -> None:
        """Connect anew: what another server publishes cannot be heard on connections to this one."""
        self.outcomes.renew()
        self.events.renew()

    def drain(self) -> None:
        """The process shuts down: every waiting call goes on at once, and none waits any more."""
        self.outcomes.drain()
        self.events.drain()
