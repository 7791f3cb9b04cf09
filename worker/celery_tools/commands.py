"""The commands of Celery's remote control that this worker answers. All of them only read."""

from __future__ import annotations

import os
import resource
import time
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.lanes import LANES
from schemas.protocol.message import queue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kombu.clocks import LamportClock

    from startup.broker.redis_url import RedisUrl
    from worker.celery_tools.watching import HeldTask, WatchedTasks

REFUSED: Final = {"error": "this worker answers commands that read and no others"}
"""The reply to a command that would change something, or that tells the configuration."""


class Commands:
    """Answers commands. Thread-safe."""

    def __init__(
        self, watched: WatchedTasks, *, node: str, clock: LamportClock, url: RedisUrl, threads: int, prefetch: int
    ) -> None:
        """`threads` work on groups of up to `prefetch` signups each."""
        self._watched = watched
        self._node = node
        self._clock = clock
        self._url = url
        self._threads = threads
        self._prefetch = prefetch
        self._began = time.monotonic()
        self._answers: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
            "ping": lambda _: {"ok": "pong"},
            "active": lambda _: [self._info(each) for each in watched.held() if each.started_at is not None],
            "reserved": lambda _: [self._info(each) for each in watched.held() if each.started_at is None],
            # No task has a time at which it is due, and none can be revoked.
            "scheduled": lambda _: [],
            "revoked": lambda _: [],
            "registered": lambda _: sorted(lane.task_name for lane in LANES),
            "active_queues": lambda _: [queue(lane).as_dict(recurse=True) for lane in LANES],
            "clock": lambda _: {"clock": clock.value},
            "query_task": self._query,
            "stats": lambda _: self._stats(),
        }

    def answer(self, command: object, arguments: Mapping[str, Any]) -> Any:
        """What the worker replies to this command. `REFUSED` to one that it does not answer."""
        found = self._answers.get(command) if isinstance(command, str) else None
        return REFUSED if found is None else found(arguments)

    def _info(self, held: HeldTask) -> dict[str, Any]:
        # As celery.worker.request.Request.info. The message of a task has no arguments, and its request stays sealed.
        return {
            "id": held.task_id,
            "name": held.name,
            "args": [],
            "kwargs": {},
            "type": held.name,
            "hostname": self._node,
            "time_start": held.started_at,
            "acknowledged": False,
            "delivery_info": {"exchange": "", "routing_key": held.name, "priority": None, "redelivered": None},
            "worker_pid": os.getpid(),
        }

    def _query(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        ids = arguments.get("ids")
        asked = set(ids if isinstance(ids, list) else [ids])
        return {
            each.task_id: ["reserved" if each.started_at is None else "active", self._info(each)]
            for each in self._watched.held()
            if each.task_id in asked
        }

    def _stats(self) -> dict[str, Any]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "total": dict(self._watched.begun()),
            "pid": os.getpid(),
            "clock": str(self._clock.value),
            "uptime": round(time.monotonic() - self._began),
            "broker": {
                "transport": "redis",
                "hostname": self._url.host,
                "port": self._url.port,
                "virtual_host": str(self._url.database),
            },
            "pool": {"implementation": "celery.concurrency.thread:TaskPool", "max-concurrency": self._threads},
            "prefetch_count": self._threads * self._prefetch,
            "rusage": {name[3:]: getattr(usage, name) for name in dir(usage) if name.startswith("ru_")},
        }
