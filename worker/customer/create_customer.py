"""The use case: brings accepted tasks to their one outcome each, a group at a time. Knows neither Celery nor HTTP.

What costs a round trip or a wait for the journal is done once for a group. No group waits to fill up.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from schemas import outcome as outcomes
from schemas.protocol.keys import RECORD_FORM
from schemas.protocol.steps.ending import RecordChange
from schemas.protocol.steps.working import NotStarted, Started
from startup.seldom import Seldom
from worker.customer.rows import Checked, Decided, Failed, Hashed, Identity, Refused, Row, guarded
from worker.customer.sealed_requests import PARKED_UNKNOWN_FORM, Elsewhere
from worker.customer.task_group import Ended, Task, TaskGroup, failed
from worker.promise.records import Parking
from worker.traces import DEFER, FINISH, HASH, INSERT, LOOK_UP, PARK, UNTRACED, VALIDATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.protocol.steps.working import Delivery
    from worker.customer.sealed_requests import SealedRequests
    from worker.customer.stages import Stages
    from worker.customer.task_group import State
    from worker.dependencies.patience import Patience
    from worker.metrics import WorkerMetrics
    from worker.promise.records import TaskRecords
    from worker.promise.turnstile import Turnstile
    from worker.traces import Work

DEFERRED: Final = "deferred"
"""The ending of a task that another worker may be able to read. It is delivered again in a while."""

PARKED_TOO_MANY_STARTS: Final = "too_many_starts"
"""Reason of a dead letter: the task was started as often as the settings allow, and never had an outcome."""

log = structlog.get_logger("worker.task")


class CreateCustomer:
    """Brings tasks to their outcomes, exactly once however often they are delivered. Thread-safe."""

    def __init__(
        self,
        *,
        records: TaskRecords,
        requests: SealedRequests,
        stages: Stages,
        patience: Patience,
        turnstile: Turnstile,
        metrics: WorkerMetrics,
        maximum_starts: int,
    ) -> None:
        """`maximum_starts`: a task that is started more often becomes a dead letter."""
        self._records = records
        self._requests = requests
        self._stages = stages
        self._patience = patience
        self._turnstile = turnstile
        self._metrics = metrics
        self._maximum_starts = maximum_starts
        self._seldom = Seldom()

    def run(self, deliveries: Sequence[Delivery], work: Work = UNTRACED) -> list[str]:
        """Work on tasks side by side with other groups. A task that has its outcome already is left alone.

        Args:
            deliveries: of different tasks.
            work: is told what is done, for traces.

        Returns:
            The ending of each task in one word: `created`, a documented error's code, or why there was nothing to do.
            `NotStarted.ALONE` asks the caller for `run_alone`, once this thread has no other task to work on.

        Raises:
            GiveBackError: the worker stops while the broker or the database is away, or it cannot use the database.
                The tasks are to be given back.
        """
        with self._stages.beside_signups(), self._turnstile.beside_others():
            return self._run(deliveries, work, alone=False)

    def run_alone(self, delivery: Delivery, work: Work = UNTRACED) -> str:
        """Work on a task that may kill this process, with nothing beside it, and return its ending.

        Raises:
            GiveBackError: as for `run`.
        """
        with self._turnstile.alone():
            (ending,) = self._run([delivery], work, alone=True)
        return ending

    def release(self, delivery: Delivery) -> RecordChange:
        """Give the task back without counting its start. Nothing changes where it was not started, or has ended.

        Raises:
            TransientError: Redis cannot be told. The task's lease runs out, and its start stays counted.
        """
        return self._records.release(delivery)

    def _run(self, deliveries: Sequence[Delivery], work: Work, *, alone: bool) -> list[str]:
        replies = self._patience.until_done(lambda: self._records.start(deliveries, alone=alone))
        # After START: only a task that was started can be given back at its place without a start being counted.
        self._patience.check()
        endings: dict[int, str] = {}
        tasks: dict[int, Task] = {}
        for place, (delivery, reply) in enumerate(zip(deliveries, replies, strict=True)):
            if isinstance(reply, Started):
                self._metrics.task_started(reply.waited_seconds)
                work.taken(delivery, reply)
                customer_id = self._requests.customer_id(task_id=delivery.task_id, fingerprint=reply.fingerprint)
                tasks[place] = Task(delivery, reply, customer_id)
            elif isinstance(reply, Exception):
                endings[place] = failed(delivery, reply)
            else:
                endings[place] = str(reply)
        with self._metrics.tasks_in_flight(len(tasks)):
            endings |= zip(tasks, self._work(list(tasks.values()), work), strict=True)
        for ending in endings.values():
            if ending != NotStarted.ALONE:
                self._metrics.task_ended(ending)
        return [endings[place] for place in range(len(deliveries))]

    def _work(self, tasks: Sequence[Task], work: Work) -> list[str]:
        group = TaskGroup(tasks, [guarded(self._open, task) for task in tasks], work)
        group.step(VALIDATE, Row, self._stages.check)
        self._look_up(group)
        group.step(HASH, Checked, self._stages.hash)
        group.step(INSERT, Hashed, self._stages.insert)
        group.step_with_tasks(FINISH, Decided, self._finish)
        group.step_with_tasks(DEFER, Elsewhere, self._defer)
        group.step_with_tasks(PARK, Refused, partial(self._park, work))
        return group.endings()

    def _open(self, task: Task) -> Row | Elsewhere | Refused:
        if task.start.form > RECORD_FORM:
            return Elsewhere(PARKED_UNKNOWN_FORM)
        if task.start.starts > self._maximum_starts:
            # The request stays sealed: reading it may be what kills the process.
            return Refused(PARKED_TOO_MANY_STARTS)
        return self._requests.open(
            task_id=task.delivery.task_id, customer_id=task.customer_id, sealed=task.start.sealed
        )

    def _look_up(self, group: TaskGroup) -> None:
        """Look for customers that earlier starts of these tasks have stored, before any of the tasks is refused.

        The number of starts tells nothing about a refused task: starts that were given back are not counted. Where
        repeats are likely, the same round trip asks which emails are taken, and their hashes are saved.
        """
        emails = self._stages.repeats_are_likely(group.count(Checked))
        places = group.places(
            lambda task, state: emails or not isinstance(state, Checked) or task.start.starts > 1,
        )

        def look_up(tasks: Sequence[Task], states: Sequence[State]) -> Sequence[State]:
            identities = [Identity(task.customer_id) for task in tasks]
            return self._stages.look_up(states, identities=identities, emails=emails)

        group.step_at(LOOK_UP, places, look_up)

    def _finish(self, tasks: Sequence[Task], decided: Sequence[Decided]) -> list[State]:
        results = [(task.delivery.task_id, each.outcome) for task, each in zip(tasks, decided, strict=True)]
        replies = self._patience.until_done(lambda: self._records.finish(results))
        states: list[State] = []
        for (_, outcome), reply in zip(results, replies, strict=True):
            if isinstance(reply, Exception):
                states.append(Failed(reply))
            elif reply is RecordChange.UNKNOWN:
                # An operator dropped the record, or Redis lost it. Nobody is left who could read the outcome.
                states.append(Ended(str(reply)))
            else:
                states.append(Ended(outcomes.name_of(outcome)))
        return states

    def _defer(self, tasks: Sequence[Task], elsewhere: Sequence[Elsewhere]) -> list[State]:
        replies = self._patience.until_done(lambda: self._records.defer([task.delivery for task in tasks]))
        states: list[State] = []
        for task, each, reply in zip(tasks, elsewhere, replies, strict=True):
            if isinstance(reply, Exception):
                states.append(Failed(reply))
            elif reply is RecordChange.OVERDUE:
                states.append(Refused(each.reason))
            elif reply is RecordChange.WRITTEN:
                self._metrics.task_deferred(each.reason)
                if self._seldom.is_due(each.reason):
                    log.warning("task_deferred", task_id=task.delivery.task_id, reason=each.reason)
                states.append(Ended(DEFERRED))
            else:
                states.append(Ended(str(reply)))
        return states

    def _park(self, work: Work, tasks: Sequence[Task], refused: Sequence[Refused]) -> list[State]:
        parkings = [Parking(task.delivery, each.reason, each.detail) for task, each in zip(tasks, refused, strict=True)]
        replies = self._patience.until_done(lambda: self._records.park(parkings))
        states: list[State] = []
        for parking, reply in zip(parkings, replies, strict=True):
            if isinstance(reply, Exception):
                states.append(Failed(reply))
            elif reply is RecordChange.WRITTEN:
                log.error(
                    "dead_letter",
                    task_id=parking.delivery.task_id,
                    reason=parking.reason,
                    detail=parking.detail,
                    **work.fields(parking.delivery),
                )
                states.append(Ended(parking.reason))
            else:
                # Another delivery has the task now, or an operator has it. What this one found out no longer counts.
                states.append(Ended(str(reply)))
        return states
