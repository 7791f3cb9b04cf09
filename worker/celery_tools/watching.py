"""What this worker does with each task it has received, for Celery's own tools: what it holds, and what happened."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, get_args

from schemas.outcome import CREATED, REPEATED, VALID, ErrorCode
from schemas.protocol.steps.ending import RecordChange
from schemas.protocol.steps.working import NotStarted
from worker.customer.create_customer import DEFERRED
from worker.customer.create_rows import DONE, HALVED
from worker.customer.task_group import FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GIVEN_BACK: Final = "given_back"
"""The ending of a task that this worker returned to the queue without counting its start."""

MOST_EVENTS: Final = 20_000
"""Events that wait to be sent. While Redis is away the oldest ones are dropped."""

_SUCCEEDED: Final = frozenset({CREATED, REPEATED, VALID, DONE, HALVED, *get_args(ErrorCode)})
"""Endings with an outcome. A documented error is an outcome too, and so is `canceled` for the rows of a chunk."""

_RETRIED: Final = frozenset({GIVEN_BACK, DEFERRED, FAILED})
"""Endings after which the task is delivered again."""

_NOT_OURS: Final = frozenset({*NotStarted, *RecordChange}) - _SUCCEEDED
"""Endings of a delivery that changed nothing: another one has the task, or it has ended before."""


class TaskWatch:
    """Is told of every task. This one keeps nothing, for a worker without Celery's tools."""

    def received(self, task_id: str, name: str) -> None:
        """A task was taken off the queue. `name` is the Celery task's."""

    def started(self, task_ids: Iterable[str]) -> None:
        """A thread begins with these tasks."""

    def ended(self, task_id: str, ending: str, seconds: float) -> None:
        """A thread is done with the task, in one word, after so many seconds."""

    def let_go(self, task_ids: Iterable[str]) -> None:
        """These tasks were received and not begun, and this worker has them no more."""


UNWATCHED: Final = TaskWatch()
"""For a worker whose tasks nobody watches."""


@dataclass(slots=True)
class HeldTask:
    """A task that this worker holds."""

    task_id: str
    name: str
    started_at: float | None = None
    """Unix time. None until a thread begins with it."""


class Events:
    """Events that wait to be sent. Thread-safe. An event has no field that came with a request."""

    def __init__(self) -> None:
        self._waiting: deque[dict[str, Any]] = deque(maxlen=MOST_EVENTS)
        self._added = 0
        self._taken = 0

    def add(self, kind: str, task_id: str, **fields: Any) -> None:
        """Add an event of now. The oldest one goes where there are too many."""
        self._waiting.append({"type": kind, "timestamp": time.time(), "uuid": task_id, **fields})
        self._added += 1

    def take(self, most: int) -> list[dict[str, Any]]:
        """The oldest events, up to so many. They wait no more."""
        taken: list[dict[str, Any]] = []
        try:
            while len(taken) < most:
                taken.append(self._waiting.popleft())
        except IndexError:
            pass
        self._taken += len(taken)
        return taken

    def dropped(self) -> int:
        """About how many events were dropped since the last call."""
        dropped = max(0, self._added - self._taken - len(self._waiting))
        self._taken += dropped
        return dropped


class WatchedTasks(TaskWatch):
    """Knows the tasks that this worker holds, and adds an event for each thing that happens to one. Thread-safe."""

    def __init__(self, events: Events | None) -> None:
        """`events` is None where nobody wants events."""
        self._events = events
        self._held: dict[str, HeldTask] = {}
        self._begun: Counter[str] = Counter()
        self._counting = threading.Lock()

    def received(self, task_id: str, name: str) -> None:
        """Hold the task."""
        self._held[task_id] = HeldTask(task_id, name)
        if self._events:
            # Celery's own tools ask for these two fields. A task's message has no arguments (schemas.protocol.message).
            self._events.add("task-received", task_id, name=name, args="()", kwargs="{}")

    def started(self, task_ids: Iterable[str]) -> None:
        """Hold these as active."""
        now = time.time()
        names = []
        for task_id in task_ids:
            held = self._held.get(task_id)
            if held is None:
                continue
            held.started_at = now
            names.append(held.name)
            if self._events:
                self._events.add("task-started", task_id)
        with self._counting:
            self._begun.update(names)

    def ended(self, task_id: str, ending: str, seconds: float) -> None:
        """Hold it no more."""
        if self._held.pop(task_id, None) is None or self._events is None or ending in _NOT_OURS:
            return
        if ending in _SUCCEEDED:
            self._events.add("task-succeeded", task_id, runtime=seconds)
        elif ending in _RETRIED:
            self._events.add("task-retried", task_id, exception=ending)
        else:
            # The reason of a dead letter: one of a few words.
            self._events.add("task-failed", task_id, exception=ending)

    def let_go(self, task_ids: Iterable[str]) -> None:
        """Hold these no more."""
        for task_id in task_ids:
            self._held.pop(task_id, None)

    def held(self) -> list[HeldTask]:
        """All tasks that are held, in the order in which they came."""
        while True:
            try:
                return list(self._held.values())
            except RuntimeError:  # another thread changed it meanwhile
                continue

    def begun(self) -> Mapping[str, int]:
        """How many tasks were begun, by name."""
        with self._counting:
            return dict(self._begun)
