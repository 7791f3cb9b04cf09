"""Task records as the worker moves them: the START, FINISH, RELEASE, DEFER and PARK steps of the protocol."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from schemas.outcome import Outcome, celery_failure, celery_result
from schemas.protocol import record_scripts
from schemas.protocol.keys import (
    DEAD_KEY,
    HELD_KEY,
    OPEN_KEY,
    QUEUE,
    RESENT_KEY,
    Finished,
    Started,
    record_key,
    result_key,
)
from worker.promise.scripts import BatchScript

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from schemas.protocol.message import MessageTemplate


@dataclass(frozen=True, slots=True)
class Delivery:
    """A task that a message told of."""

    task_id: str
    name: str
    """No other delivery has it."""


@dataclass(frozen=True, slots=True)
class Start:
    """A task that this worker has started on."""

    sealed: bytes = field(repr=False)
    fingerprint: str
    starts: int
    """This start included."""
    waited_seconds: float
    """Since it was accepted."""


@dataclass(frozen=True, slots=True)
class Parking:
    """A task that is to become a dead letter."""

    delivery: Delivery
    reason: str
    """A code."""
    detail: str = ""
    """What else an operator may know: an error by name, an index; nothing of the request."""


class TaskRecords(Protocol):
    """The records of tasks. Every method raises `TransientError` while the store is away, and may be repeated.

    An exception among what a method returns stands for a record that it cannot move, now or later.
    """

    def start(self, deliveries: Sequence[Delivery], *, alone: bool) -> list[Start | Started | Exception]:
        """For each: take a lease, count a start and hand over the request; or why there is nothing to do.

        Args:
            deliveries: of different tasks; a repeated call with the same ones is the same start.
            alone: nothing else runs in this process. Where it is not, a task whose starts have come to nothing
                before is not started: `Started.ALONE` asks for a call of its own.
        """
        ...

    def finish(self, outcomes: Sequence[tuple[str, Outcome]]) -> list[Finished | Exception]:
        """For each task's id, write the outcome unless there is one already."""
        ...

    def release(self, delivery: Delivery) -> Finished:
        """Put a task that this delivery started back at the queue's head: the start does not count."""
        ...

    def put_back(self, task_ids: Sequence[str]) -> None:
        """Put tasks that were taken off the queue and not started back at its head; the first one is its head then."""
        ...

    def defer(self, deliveries: Sequence[Delivery]) -> list[Finished | Exception]:
        """Leave tasks that these deliveries started to other workers: they are sent again in a while.

        `Finished.OVERDUE` stands for one that has been left to others for long enough.
        """
        ...

    def park(self, parkings: Sequence[Parking]) -> list[Finished | Exception]:
        """Make dead letters of tasks that these deliveries started, their sealed requests kept."""
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
        """`unreadable_wait_seconds`: how long a task waits for a worker that can read it."""
        self._message = message
        self._lifetime_milliseconds = 1000 * result_ttl_seconds
        self._lease_milliseconds = int(1000 * lease_seconds)
        self._unreadable_wait_milliseconds = int(1000 * unreadable_wait_seconds)
        self._start = BatchScript(client, record_scripts.START, keys=2)
        self._finish = BatchScript(client, record_scripts.FINISH, keys=6)
        self._release = BatchScript(client, record_scripts.RELEASE, keys=3)
        self._put_back = BatchScript(client, record_scripts.PUT_BACK, keys=2)
        self._defer = BatchScript(client, record_scripts.DEFER, keys=4)
        self._park = BatchScript(client, record_scripts.PARK, keys=6)

    def start(self, deliveries: Sequence[Delivery], *, alone: bool) -> list[Start | Started | Exception]:
        """See `TaskRecords.start`."""
        replies = self._start.run_all(
            [
                (record_key(each.task_id), HELD_KEY, each.task_id, each.name, self._lease_milliseconds, int(alone))
                for each in deliveries
            ]
        )
        return [_start_of(reply) for reply in replies]

    def finish(self, outcomes: Sequence[tuple[str, Outcome]]) -> list[Finished | Exception]:
        """See `TaskRecords.finish`."""
        now = datetime.now(UTC)
        replies = self._finish.run_all(
            [
                (
                    *_ending_keys(task_id),
                    task_id,
                    _dump(celery_result(task_id, outcome, finished_at=now)),
                    self._lifetime_milliseconds,
                )
                for task_id, outcome in outcomes
            ]
        )
        return _finished(replies)

    def release(self, delivery: Delivery) -> Finished:
        """See `TaskRecords.release`."""
        task_id = delivery.task_id
        reply = self._release.run(
            record_key(task_id),
            HELD_KEY,
            QUEUE,
            task_id,
            delivery.name,
            self._message.message(task_id),
            record_key(""),
        )
        return Finished(reply.decode())

    def put_back(self, task_ids: Sequence[str]) -> None:
        """See `TaskRecords.put_back`."""
        self.put_back_messages([self._message.message(task_id) for task_id in task_ids])

    def put_back_messages(self, messages: Sequence[bytes]) -> None:
        """The same, of messages as they were taken; some may be no task's."""
        self._put_back.run(QUEUE, HELD_KEY, record_key(""), *messages)

    def defer(self, deliveries: Sequence[Delivery]) -> list[Finished | Exception]:
        """See `TaskRecords.defer`."""
        calls = [
            (
                *(record_key(each.task_id), HELD_KEY, OPEN_KEY, RESENT_KEY),
                *(each.task_id, each.name, self._unreadable_wait_milliseconds),
            )
            for each in deliveries
        ]
        return _finished(self._defer.run_all(calls))

    def park(self, parkings: Sequence[Parking]) -> list[Finished | Exception]:
        """See `TaskRecords.park`."""
        now = datetime.now(UTC)
        calls: list[tuple[str | bytes, ...]] = []
        for each in parkings:
            task_id, name = each.delivery.task_id, each.delivery.name
            result = _dump(celery_failure(task_id, each.reason, finished_at=now))
            calls.append((*_ending_keys(task_id), task_id, name, each.reason, each.detail, result))
        return _finished(self._park.run_all(calls))


def _finished(replies: Sequence[Any]) -> list[Finished | Exception]:
    return [reply if isinstance(reply, Exception) else Finished(reply.decode()) for reply in replies]


def _start_of(reply: Any) -> Start | Started | Exception:
    if isinstance(reply, Exception):
        return reply
    status = Started(reply[0].decode())
    if status is not Started.STARTED:
        return status
    _, sealed, fingerprint, starts, accepted_at, now = reply
    return Start(sealed, fingerprint.decode(), starts, (now - accepted_at) / 1000)


def _ending_keys(task_id: str) -> tuple[str, ...]:
    return record_key(task_id), OPEN_KEY, DEAD_KEY, result_key(task_id), HELD_KEY, RESENT_KEY


def _dump(result: object) -> bytes:
    return json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode()
