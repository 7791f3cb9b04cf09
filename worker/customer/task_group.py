"""The tasks of one group, and how far each of them has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from worker.customer.rows import Checked, Decided, Failed, Hashed, Refused, Row
from worker.customer.sealed_requests import Elsewhere
from worker.traces import UNTRACED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schemas.protocol.steps.working import Delivery, Started
    from worker.traces import Work

FAILED: Final = "failed"
"""The ending of a task that met an error of this service's own. It is delivered again."""

log = structlog.get_logger("worker.task")


@dataclass(frozen=True, slots=True)
class Task:
    """A task that START handed over to this worker."""

    delivery: Delivery
    start: Started
    customer_id: str


@dataclass(frozen=True, slots=True)
class Ended:
    """There is nothing left to do for the task."""

    ending: str
    """One word for logs and metrics: `created`, an error's code, or what happened instead."""


State = Row | Checked | Hashed | Decided | Refused | Elsewhere | Failed | Ended
"""How far a task has come. `Decided`, `Refused` and `Elsewhere` are still to be written to its record."""

Stage = TypeVar("Stage")


class TaskGroup:
    """Moves the tasks of a group from state to state, those in the same state together. Not thread-safe."""

    def __init__(self, tasks: Sequence[Task], states: Sequence[State], work: Work = UNTRACED) -> None:
        """`work` times each stage that has a name."""
        self._tasks = tasks
        self._work = work
        self._states: list[State] = []
        for task, state in zip(tasks, states, strict=True):
            self._states.append(_logged(task, state))

    def count(self, kind: type[State]) -> int:
        """How many tasks are in a state of this kind."""
        return sum(isinstance(state, kind) for state in self._states)

    def places(self, is_meant: Callable[[Task, State], bool]) -> list[int]:
        """Which tasks are meant, of those that have not ended."""
        return [
            place
            for place, (task, state) in enumerate(zip(self._tasks, self._states, strict=True))
            if not isinstance(state, Ended) and is_meant(task, state)
        ]

    def step(self, name: str, kind: type[Stage], stage: Callable[[list[Stage]], Sequence[State]]) -> None:
        """Replace all states of this kind by what the stage makes of them. It is not called where there are none.

        `name` is the stage's name in traces.
        """
        self.step_with_tasks(name, kind, lambda _tasks, states: stage(states))

    def step_with_tasks(
        self, name: str, kind: type[Stage], stage: Callable[[list[Task], list[Stage]], Sequence[State]]
    ) -> None:
        """Do the same with a stage that needs the tasks as well."""
        found = [(place, state) for place, state in enumerate(self._states) if isinstance(state, kind)]
        if found:
            self._step(name, [place for place, _ in found], lambda tasks: stage(tasks, [state for _, state in found]))

    def step_at(
        self, name: str, places: Sequence[int], stage: Callable[[list[Task], list[State]], Sequence[State]]
    ) -> None:
        """Do the same with the tasks at these places, whatever their states are."""
        if places:
            self._step(name, places, lambda tasks: stage(tasks, [self._states[place] for place in places]))

    def endings(self) -> list[str]:
        """What became of each task, in order. All of them must have ended."""
        return [state.ending for state in self._states if isinstance(state, Ended)]

    def _step(self, name: str, places: Sequence[int], stage: Callable[[list[Task]], Sequence[State]]) -> None:
        tasks = [self._tasks[place] for place in places]
        with self._work.stage(name, (task.delivery for task in tasks)):
            made = stage(tasks)
        self._replace(places, made)

    def _replace(self, places: Sequence[int], states: Sequence[State]) -> None:
        for place, state in zip(places, states, strict=True):
            self._states[place] = _logged(self._tasks[place], state)


def _logged(task: Task, state: State) -> State:
    return Ended(failed(task.delivery, state.error)) if isinstance(state, Failed) else state


def failed(delivery: Delivery, error: Exception) -> str:
    """Log the error and return the ending.

    The task stays open. When its lease has run out the sweeper sends it again, with growing gaps, until its starts are
    used up and it becomes a dead letter. Celery must not see the error: it would log its text.
    """
    log.error("task_failed", task_id=delivery.task_id, exc_info=error)
    return FAILED
