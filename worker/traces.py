"""The spans of tasks that are worked on: how long each waited, and what was done with it.

A task's spans hang below the span that accepted it, which the task's record names. So a trace stays whole when a worker
dies: the worker that starts the task next finds the same parent. Spans are recorded when a start has come to its end.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from schemas.traceparent import new_recorded_trace, parse_traceparent
from startup.tracing.messaging import MESSAGE_COUNT, MESSAGE_ID, Operation, of_operation, span_name
from startup.tracing.tracing import Span, SpanKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    from schemas.protocol.lanes import Lane
    from schemas.protocol.steps.working import Delivery
    from schemas.traceparent import TraceContext
    from startup.tracing.tracing import Tracing

VALIDATE: Final = "validate"
"""Requests are checked."""
LOOK_UP: Final = "look_up"
"""MongoDB is asked which customers and emails are there already."""
HASH: Final = "hash"
"""Passwords are hashed, or wait for a core that hashes them."""
INSERT: Final = "insert"
"""Customers are stored."""
FINISH: Final = "finish"
"""Outcomes are written to Redis."""
DEFER: Final = "defer"
"""Tasks are left to workers that can read them."""
SPLIT: Final = "split"
"""A chunk is halved."""
PARK: Final = "park"
"""Tasks become dead letters."""

_NOTHING: Final[AbstractContextManager[None]] = nullcontext()
"""Times no stage."""


class Taken(Protocol):
    """What START says of a task."""

    @property
    def starts(self) -> int:
        """This start included."""

    @property
    def waited_seconds(self) -> float:
        """Since the task was accepted."""

    @property
    def traceparent(self) -> str:
        """Where its trace goes on; empty where there is none."""


class Work:
    """Some tasks that are worked on together, where traces are off. Not thread-safe."""

    __slots__ = ()

    def taken(self, delivery: Delivery, start: Taken) -> None:
        """A task was started."""

    def stage(self, _name: str, _deliveries: Iterable[Delivery]) -> AbstractContextManager[None]:
        """The block does this with these tasks."""
        return _NOTHING

    def fields(self, _delivery: Delivery) -> dict[str, str]:
        """What log lines about this task say of its trace."""
        return {}

    def end(self, endings: Iterable[tuple[Delivery, str]], *, failures: Collection[str] = ()) -> None:
        """Record what was done. Tasks that were not started have no part in it.

        Args:
            endings: what became of each task, in one word.
            failures: the endings which say that this service failed at the task.
        """


UNTRACED: Final = Work()
"""What is worked on where traces are off."""


class Traces:
    """The traces of the tasks of one lane. Thread-safe."""

    def __init__(self, tracing: Tracing | None, lane: Lane) -> None:
        """`tracing` is None where traces are off."""
        self._tracing = tracing
        self._words = _Words(
            wait=span_name("wait", lane),
            process=span_name(Operation.PROCESS, lane),
            attributes=of_operation(Operation.PROCESS, lane),
        )

    def begin(self) -> Work:
        """Some tasks are begun on together."""
        return UNTRACED if self._tracing is None else _TracedWork(self._tracing, self._words)


class _Words(NamedTuple):
    """What the spans of a lane have in common."""

    wait: str
    process: str
    attributes: Mapping[str, str | int]


class _Stage(NamedTuple):
    name: str
    started_ns: int
    ended_ns: int
    error: str


class _Task(NamedTuple):
    """A task whose trace is sampled."""

    accepted: TraceContext
    """The span that accepted it."""
    process: TraceContext
    """The span of this start."""
    taken_ns: int
    waited_ns: int
    starts: int
    stages: list[_Stage]


class _TracedWork(Work):
    """Costs a task without a trace next to nothing: most tasks have none."""

    __slots__ = ("_started", "_tasks", "_trace_ids", "_tracing", "_words")

    def __init__(self, tracing: Tracing, words: _Words) -> None:
        self._tracing = tracing
        self._words = words
        self._started = 0
        self._trace_ids: dict[str, str] = {}
        """By task id, as in `_tasks`: a text knows its hash."""
        self._tasks: dict[str, _Task] = {}

    def taken(self, delivery: Delivery, start: Taken) -> None:
        self._started += 1
        if not start.traceparent:
            return
        accepted = parse_traceparent(start.traceparent)
        if accepted is None:
            return
        self._trace_ids[delivery.task_id] = accepted.trace_id
        if accepted.is_sampled:
            waited_ns = int(1e9 * max(0.0, start.waited_seconds))
            self._tasks[delivery.task_id] = _Task(
                accepted, accepted.child(), time.time_ns(), waited_ns, start.starts, []
            )

    def stage(self, name: str, deliveries: Iterable[Delivery]) -> AbstractContextManager[None]:
        if not self._tasks:
            return _NOTHING
        tasks = [task for each in deliveries if (task := self._tasks.get(each.task_id)) is not None]
        return _StageTimer(name, tasks) if tasks else _NOTHING

    def fields(self, delivery: Delivery) -> dict[str, str]:
        trace_id = self._trace_ids.get(delivery.task_id)
        return {} if trace_id is None else {"trace_id": trace_id}

    def end(self, endings: Iterable[tuple[Delivery, str]], *, failures: Collection[str] = ()) -> None:
        if not self._tasks:
            return
        now = time.time_ns()
        # The group's span is for those who ask what else was worked on with a task: with one task, its own span tells.
        group = new_recorded_trace() if len(self._tasks) > 1 else None
        by_id = {delivery.task_id: ending for delivery, ending in endings}
        for task_id, task in self._tasks.items():
            ending = by_id.get(task_id, "")
            is_parked = any(stage.name == PARK for stage in task.stages)
            error = ending if is_parked or ending in failures else ""
            self._record_task(task_id, task, now, group=group, ending=ending, error=error)
        if group is not None:
            self._record_group(group, now)

    def _record_task(
        self, task_id: str, task: _Task, now: int, *, group: TraceContext | None, ending: str, error: str
    ) -> None:
        record = self._tracing.record
        record(
            Span(
                name=self._words.wait,
                kind=SpanKind.INTERNAL,
                context=task.accepted.child(),
                parent=task.accepted,
                started_ns=task.taken_ns - task.waited_ns,
                ended_ns=task.taken_ns,
            )
        )
        for stage in task.stages:
            record(
                Span(
                    name=stage.name,
                    kind=SpanKind.INTERNAL,
                    context=task.process.child(),
                    parent=task.process,
                    started_ns=stage.started_ns,
                    ended_ns=stage.ended_ns,
                    error=stage.error,
                )
            )
        record(
            Span(
                name=self._words.process,
                kind=SpanKind.CONSUMER,
                context=task.process,
                parent=task.accepted,
                started_ns=task.taken_ns,
                ended_ns=now,
                attributes={
                    **self._words.attributes,
                    MESSAGE_ID: task_id,
                    "intake.outcome": ending,
                    "intake.starts": task.starts,
                    "intake.tasks_together": self._started,
                },
                # The conventions ask for a link to the message's own span, whether or not it is the parent.
                links=(task.accepted,) if group is None else (task.accepted, group),
                error=error,
            )
        )

    def _record_group(self, group: TraceContext, now: int) -> None:
        """Record that these tasks shared their round trips. The group is a trace of its own: it has many callers."""
        tasks = self._tasks.values()
        self._tracing.record(
            Span(
                name=self._words.process,
                kind=SpanKind.CONSUMER,
                context=group,
                parent=None,
                started_ns=min(task.taken_ns for task in tasks),
                ended_ns=now,
                attributes={**self._words.attributes, MESSAGE_COUNT: self._started},
                links=tuple(task.accepted for task in tasks),
            )
        )


class _StageTimer:
    """Times a stage for each sampled task in it."""

    __slots__ = ("_name", "_started_ns", "_tasks")

    def __init__(self, name: str, tasks: Sequence[_Task]) -> None:
        self._name = name
        self._tasks = tasks
        self._started_ns = 0

    def __enter__(self) -> None:
        self._started_ns = time.time_ns()

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        stage = _Stage(self._name, self._started_ns, time.time_ns(), "" if kind is None else kind.__name__)
        for task in self._tasks:
            task.stages.append(stage)
