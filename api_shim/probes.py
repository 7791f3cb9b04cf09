"""The endpoints for machines: whether the process serves, whether it is ready, and its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from api_shim.queue_metrics import render_queue
from edge.answers import responses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.requests import Request

    from api_shim.broker.overviews import Overviews
    from api_shim.broker.redis_calls import RedisCalls
    from api_shim.broker.redis_watch import RedisWatch
    from api_shim.intake.event_news import EventNews
    from api_shim.intake.subscription import OutcomeSubscription
    from api_shim.metrics import ShimMetrics
    from edge.answers.answer import Answer
    from startup.background.announcements import Announcements
    from startup.background.vital_task import VitalTask


class Probes:
    """`/healthz`, `/readyz` and `/metrics`."""

    def __init__(
        self,
        calls: RedisCalls,
        subscription: OutcomeSubscription,
        metrics: ShimMetrics,
        *,
        news: EventNews,
        watch: RedisWatch,
        overviews: Overviews,
        announcements: Announcements,
        awaits_keys: Callable[[], bool],
        keeping_keys: Iterable[VitalTask],
    ) -> None:
        self._calls = calls
        self._subscription = subscription
        self._watch = watch
        self._overviews = overviews
        oversight = (overviews.task, announcements.task)
        self._vital = (calls.task, subscription.task, news.task, watch.task, *oversight, *keeping_keys)
        self._metrics = metrics
        self._awaits_keys = awaits_keys

    async def healthz(self, _request: Request) -> Answer:
        """200 while every vital task of this process lives, else 503 with the names of those that ended."""
        dead = [task.name for task in self._vital if not task.alive]
        return responses.not_alive(dead) if dead else responses.healthy()

    async def readyz(self, _request: Request) -> Answer:
        """200 while requests can be accepted, else 503 with what is missing."""
        if self._subscription.draining:
            return responses.not_ready(["shutting_down"])
        missing = ["token_keys"] if self._awaits_keys() else []
        missing += await self._watch.missing()
        return responses.not_ready(missing) if missing else responses.healthy()

    async def metrics(self, _request: Request) -> Response:
        """The counts of this shim and the state of the queue, in Prometheus' text format."""
        text = self._metrics.render() + await render_queue(self._calls, self._overviews)
        return Response(text, media_type="text/plain; version=0.0.4")
