"""Celery's tools put together: what the settings switch on runs beside the tasks, in threads of its own."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Final

from kombu.clocks import LamportClock

from worker.celery_tools.commands import Commands
from worker.celery_tools.connection import connecting
from worker.celery_tools.events import EventSender
from worker.celery_tools.remote_control import RemoteControl
from worker.celery_tools.watching import UNWATCHED, Events, TaskWatch, WatchedTasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.metrics import WorkerMetrics
    from worker.settings import WorkerSettings

_LAST_WORD_SECONDS: Final = 1.0
"""How long a worker that ends waits for its last events to be sent."""


class CeleryTools:
    """Events and remote control, each only where its setting is on."""

    def __init__(self, settings: WorkerSettings, metrics: WorkerMetrics) -> None:
        """Nothing is connected yet."""
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._jobs: dict[str, Callable[[threading.Event], None]] = {}
        self.watch: TaskWatch = UNWATCHED
        """Must be told of every task."""
        if not settings.celery_events and not settings.celery_remote_control:
            return
        url = settings.shared.redis_url
        # Several workers of one machine must differ: a tool knows a worker by this name.
        node = f"intake-{os.getpid()}@{socket.gethostname()}"
        connect, clock = connecting(url), LamportClock()
        events = Events() if settings.celery_events else None
        watched = WatchedTasks(events)
        self.watch = watched
        if events is not None:
            sender = EventSender(connect, events, watched, node=node, clock=clock, metrics=metrics)
            self._jobs["celery-events"] = sender.run
        if settings.celery_remote_control:
            commands = Commands(
                watched,
                node=node,
                clock=clock,
                url=url,
                threads=settings.concurrency,
                prefetch=settings.prefetch_multiplier,
            )
            self._jobs["remote-control"] = RemoteControl(connect, commands, node=node, clock=clock).run

    def start(self) -> None:
        """Begin."""
        for name, job in self._jobs.items():
            thread = threading.Thread(target=job, args=(self._stopping,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Send the last events, and end. What a hung Redis does not take is left."""
        self._stopping.set()
        until = time.monotonic() + _LAST_WORD_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
