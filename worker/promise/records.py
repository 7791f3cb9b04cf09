"""Task records as the worker moves them: it starts tasks, and ends them or gives them back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from schemas.events import outcome_event
from schemas.outcome import celery_failure, celery_result, name_of
from schemas.protocol.lanes import SIGNUPS, Lane
from schemas.protocol.steps import ending, working
from worker.promise.calls import BrokerCalls

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from schemas.outcome import Outcome
    from schemas.protocol.message import MessageTemplate
    from schemas.protocol.steps.ending import RecordChange
    from schemas.protocol.steps.working import Delivery, NotStarted, Started


@dataclass(frozen=True, slots=True)
class Parking:
    """A task that is to become a dead letter."""

    delivery: Delivery
    reason: str
    """A code."""
    detail: str = ""
    """What else an operator may know: an error by name, an index. Nothing of the request."""


class TaskRecords(Protocol):
    """The records of tasks.

    Every method raises `TransientError` while the store is away, and may be repeated. An exception in a list that a
    method returns belongs to the task at its place: that task's record cannot be moved, now or later.
    """

    def start(self, deliveries: Sequence[Delivery], *, alone: bool) -> list[Started | NotStarted | Exception]:
        """For each delivery, take a lease, count a start and hand over the request; or say why nothing is to be done.

        Args:
            deliveries: of different tasks; a repeated call with the same ones is the same start.
            alone: nothing else runs in this process. Where something does, a task that was started twice without an
                outcome is not started: `NotStarted.ALONE` asks for a call of its own.
        """
        ...

    def finish(self, outcomes: Sequence[tuple[str, Outcome]]) -> list[RecordChange | Exception]:
        """For each task's id, write the outcome unless there is one already."""
        ...

    def release(self, delivery: Delivery) -> RecordChange:
        """Put a task that this delivery started back at the queue's head. The start does not count."""
        ...

    def put_back(self, task_ids: Sequence[str]) -> None:
        """Put tasks that were taken off the queue and not started back at its head. The first one becomes the head."""
        ...

    def defer(self, deliveries: Sequence[Delivery]) -> list[RecordChange | Exception]:
        """Leave tasks that these deliveries started to other workers: they are sent again in a while.

        `RecordChange.OVERDUE` stands for a task that has been left to others for long enough.
        """
        ...

    def park(self, parkings: Sequence[Parking]) -> list[RecordChange | Exception]:
        """Make dead letters of tasks that these deliveries started. Their sealed requests are kept."""
        ...


class RedisRecords:
    """Task records in Redis. Thread-safe."""

    def __init__(
        self,
        client: redis.Redis,
        message: MessageTemplate,
        *,
        result_ttl_seconds: int,
        lease_seconds: float,
        unreadable_wait_seconds: float,
    ) -> None:
        """Make the records' steps on this client.

        Args:
            client: a client of the broker.
            message: makes the messages of tasks that are put back.
            result_ttl_seconds: for how long an outcome stays.
            lease_seconds: for how long a start keeps other workers from the task.
            unreadable_wait_seconds: for how long a task waits for a worker that can read it.
        """
        self._calls = BrokerCalls(client)
        self._message = message
        self._result_ttl_seconds = result_ttl_seconds
        self._lease_seconds = lease_seconds
        self._unreadable_wait_seconds = unreadable_wait_seconds

    def start(self, deliveries: Sequence[Delivery], *, alone: bool) -> list[Started | NotStarted | Exception]:
        """See `TaskRecords.start`."""
        lease_seconds = self._lease_seconds
        return self._calls.run_all(
            [working.start(each, lease_seconds=lease_seconds, alone=alone) for each in deliveries]
        )

    def finish(self, outcomes: Sequence[tuple[str, Outcome]]) -> list[RecordChange | Exception]:
        """See `TaskRecords.finish`."""
        now = datetime.now(UTC)
        return self._calls.run_all(
            [
                ending.finish(
                    task_id,
                    encoded_result(celery_result(task_id, outcome, finished_at=now)),
                    event=outcome_event(task_id, outcome),
                    outcome=name_of(outcome),
                    lifetime_seconds=self._result_ttl_seconds,
                )
                for task_id, outcome in outcomes
            ]
        )

    def release(self, delivery: Delivery) -> RecordChange:
        """See `TaskRecords.release`."""
        return self._calls.run(ending.release(delivery, message=self._message.message(delivery.task_id)))

    def put_back(self, task_ids: Sequence[str]) -> None:
        """See `TaskRecords.put_back`."""
        self.put_back_messages([self._message.message(task_id) for task_id in task_ids])

    def put_back_messages(self, messages: Sequence[bytes], lane: Lane = SIGNUPS) -> None:
        """Put messages of a lane back as they were taken, as `put_back` does. Some may be no task's."""
        self._calls.run(ending.put_back(messages, lane=lane))

    def defer(self, deliveries: Sequence[Delivery]) -> list[RecordChange | Exception]:
        """See `TaskRecords.defer`."""
        patience_seconds = self._unreadable_wait_seconds
        return self._calls.run_all([ending.defer(each, patience_seconds=patience_seconds) for each in deliveries])

    def park(self, parkings: Sequence[Parking]) -> list[RecordChange | Exception]:
        """See `TaskRecords.park`."""
        now = datetime.now(UTC)
        return self._calls.run_all(
            [
                ending.park(
                    each.delivery,
                    reason=each.reason,
                    detail=each.detail,
                    result=encoded_result(celery_failure(each.delivery.task_id, each.reason, finished_at=now)),
                )
                for each in parkings
            ]
        )


def encoded_result(result: object) -> bytes:
    """The Celery result as it is stored and published."""
    return json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode()
