"""What a worker does once it is ready, and what it does when it stops."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog
from celery import bootsteps, signals

from startup.identity import SAMPLE_SECONDS
from worker.dependencies.errors import TransientError
from worker.periodic import run_periodically
from worker.promise.leases import renewal_seconds
from worker.promise.pauses import LOOK_SECONDS
from worker.promise.sweeper import MISSED_INTERVALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from worker.celery_tools.tools import CeleryTools
    from worker.consuming.chunks import Chunks
    from worker.consuming.groups import Groups
    from worker.dependencies.gate import Gate
    from worker.promise.announcements import Announcements
    from worker.promise.leases import Leases
    from worker.promise.pauses import Pauses
    from worker.promise.sweeper import Sweeper
    from worker.settings import WorkerSettings

SHUTDOWN_SECONDS: Final = 28.0
"""A shutdown that takes longer ends the process. The tasks that it worked on are delivered again."""

UNBEGUN_SECONDS: Final = 1.0
"""How long a worker that stops keeps tasks that it has received and not begun. Then it puts them back on the queue."""

RECHECK_SECONDS: Final = 10.0
"""Between two probes of a Redis that could be used when it was last asked."""

ASK_SECONDS: Final = 3.0
"""How often MongoDB is asked whether it is there, and how long it may take to answer.

The driver's own monitoring needs up to 23 s to notice a server that was frozen.
"""

log = structlog.get_logger("worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """Follows a worker from ready to stopped, by Celery's signals."""

    settings: WorkerSettings
    stopping: threading.Event
    """Set as the worker begins to stop."""
    leases: Leases
    sweeper: Sweeper
    announcements: Announcements
    pauses: Pauses
    broker_gate: Gate
    database_gate: Gate
    groups: Groups
    chunks: Chunks
    tools: CeleryTools

    def connect(self, app: Celery) -> None:
        """Have Celery call the methods of this object. The signals are those of the process: one worker a process."""
        # weak=False: nothing else refers to these functions.
        signals.setup_logging.connect(_leave_logs_alone, weak=False)
        signals.worker_ready.connect(self._on_ready, weak=False)
        signals.worker_shutting_down.connect(self._on_shutting_down, weak=False)
        signals.worker_shutdown.connect(self._on_shut_down, weak=False)
        # worker_shutting_down is sent for SIGTERM and SIGINT alone. A worker also stops when Celery gives up.
        step = {"close": lambda _step, _worker: self._on_shutting_down()}
        app.steps["worker"].add(type("ShutdownStep", (bootsteps.StartStopStep,), step))

    def _on_ready(self, **_: object) -> None:
        settings = self.settings
        # Leases are renewed until the process ends: while the worker stops it still works on tasks.
        never = threading.Event()
        run_periodically(
            self.leases.renew,
            name="leases",
            interval_seconds=renewal_seconds(settings.visibility_timeout_seconds),
            stopping=never,
        )
        run_periodically(
            self.leases.renew_new,
            name="new-leases",
            # Twice within the time after which the sweeper takes a task that nobody has started on for lost.
            interval_seconds=settings.sweep_interval_seconds * MISSED_INTERVALS / 2,
            stopping=never,
        )
        run_periodically(
            self.sweeper.sweep_if_due,
            name="sweeper",
            interval_seconds=settings.sweep_interval_seconds,
            stopping=self.stopping,
        )
        run_periodically(
            self.announcements.sample, name="samples", interval_seconds=SAMPLE_SECONDS, stopping=never, at_once=True
        )
        run_periodically(
            self.pauses.look, name="pauses", interval_seconds=LOOK_SECONDS, stopping=self.stopping, at_once=True
        )
        run_periodically(
            self.broker_gate.recheck, name="broker", interval_seconds=RECHECK_SECONDS, stopping=self.stopping
        )
        run_periodically(
            self.database_gate.listen, name="database", interval_seconds=ASK_SECONDS, stopping=self.stopping
        )
        self.tools.start()
        log.info("worker_ready", concurrency=settings.concurrency, test_profile=settings.test_profile)

    def _on_shutting_down(self, **_: object) -> None:
        if self.stopping.is_set():
            return
        self.stopping.set()
        _call_after(SHUTDOWN_SECONDS, partial(os._exit, 1))
        _call_after(UNBEGUN_SECONDS, self.groups.put_back_waiting)
        _call_after(UNBEGUN_SECONDS, self.chunks.put_back_waiting)
        log.info("worker_shutting_down")

    def _on_shut_down(self, **_: object) -> None:
        # The pool was closed. A job that it had queued and not begun leaves its tasks waiting.
        self.groups.put_back_waiting()
        self.chunks.put_back_waiting()
        # A chunk that is worked on stores what it has hashed, and is given back.
        self.chunks.join(seconds=SHUTDOWN_SECONDS)
        self.tools.stop()
        # Redis may be away. Then the worker is told of as a silent one for a while.
        with suppress(TransientError):
            self.announcements.leave()


def _leave_logs_alone(**_: object) -> None:
    """Keeps Celery from setting up logs of its own, by being connected."""


def _call_after(seconds: float, action: Callable[[], object]) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
