"""Sends Celery's events: of tasks, many in one message, and the worker's heartbeat."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from celery.events import get_exchange
from celery.utils.sysinfo import load_average
from celery.utils.time import utcoffset
from celery.worker.state import SOFTWARE_INFO
from kombu import Producer

from startup.seldom import Seldom
from worker.celery_tools.connection import stay_connected

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable

    from kombu import Connection
    from kombu.clocks import LamportClock

    from worker.celery_tools.watching import Events, WatchedTasks
    from worker.metrics import WorkerMetrics

GATHER_SECONDS: Final = 0.2
"""How long events gather before they are sent in one message."""

HEARTBEAT_SECONDS: Final = 2.0
"""Between two heartbeats, as Celery's workers send them. A tool takes a worker for gone that is silent for longer."""

_MOST_IN_A_MESSAGE: Final = 500
"""Events in one message: about 100 KiB."""

log = structlog.get_logger("worker.celery_tools")


class EventSender:
    """Sends what gathers in `events`, in a thread of its own. Failures are logged, and the worker goes on."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        events: Events,
        watched: WatchedTasks,
        *,
        node: str,
        clock: LamportClock,
        metrics: WorkerMetrics,
    ) -> None:
        """`node` is the worker's name among Celery's workers."""
        self._connect = connect
        self._events = events
        self._watched = watched
        self._clock = clock
        self._node = node
        self._metrics = metrics
        self._beat_at = float("-inf")
        self._seldom = Seldom()

    def run(self, stopping: threading.Event) -> None:
        """Send until the worker stops. The last events are sent before this returns."""
        stay_connected(self._connect, partial(self._send, stopping), stopping, on_failed=self._tell)

    def _tell(self, error: Exception) -> None:
        if self._seldom.is_due("failed"):
            log.warning("celery_events_failed", exc_info=error)

    def _send(self, stopping: threading.Event, connection: Connection) -> None:
        exchange = get_exchange(connection)
        producer = Producer(connection.channel(), exchange=exchange, serializer="json", auto_declare=False)

        def publish(events: Any, routing_key: str) -> None:
            producer.publish(
                events, routing_key=routing_key, declare=[exchange], headers={"hostname": self._node}, delivery_mode=1
            )

        publish(self._of_worker("worker-online"), "worker.online")
        stopped = False
        while not stopped:
            stopped = stopping.wait(GATHER_SECONDS)
            if time.monotonic() - self._beat_at >= HEARTBEAT_SECONDS:
                self._beat_at = time.monotonic()
                publish(self._of_worker("worker-heartbeat"), "worker.heartbeat")
            while waiting := self._events.take(_MOST_IN_A_MESSAGE):
                try:
                    publish(list(self._complete(waiting)), "task.multi")
                except Exception:
                    self._metrics.celery_events(sent=0, dropped=len(waiting))
                    raise
                self._metrics.celery_events(sent=len(waiting), dropped=self._events.dropped())
        publish(self._of_worker("worker-offline"), "worker.offline")

    def _complete(self, events: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        common = {"hostname": self._node, "pid": os.getpid(), "utcoffset": utcoffset()}
        for event in events:
            yield {**event, **common, "clock": self._clock.forward()}

    def _of_worker(self, kind: str) -> dict[str, Any]:
        event = {
            "type": kind,
            "timestamp": time.time(),
            "freq": HEARTBEAT_SECONDS,
            "active": sum(each.started_at is not None for each in self._watched.held()),
            "processed": sum(self._watched.begun().values()),
            "loadavg": load_average(),
            **SOFTWARE_INFO,
        }
        (completed,) = self._complete([event])
        return completed
