"""Task records as the worker moves them: the START, FINISH, RELEASE and PARK steps of the protocol."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from redis.exceptions import RedisError, ResponseError

from schemas import record_scripts
from schemas.outcome import Outcome, celery_failure, celery_result
from schemas.task_record import DEAD_KEY, HELD_KEY, OPEN_KEY, QUEUE, Finished, Started, record_key, result_key
from worker.patience import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import redis

    from schemas.celery_message import MessageTemplate

BROKER = "broker"
"""What logs and metrics call Redis."""


@dataclass(frozen=True, slots=True)
class Start:
    """A task that this worker has started on."""

    sealed: bytes = field(repr=False)
    fingerprint: str
    starts: int
    """This start included."""
    waited_seconds: float
    """Since it was accepted."""


class TaskRecords(Protocol):
    """The records of tasks. Every method raises `TransientError` while the store is away, and may be repeated."""

    def start(self, task_id: str, *, delivery: str, alone: bool) -> Start | Started:
        """Take a lease, count a start and hand over the request; or why there is nothing to do.

        Args:
            task_id: the task.
            delivery: names this delivery; a repeated call with the same name is the same start.
            alone: nothing else runs in this process. Where it is not, a task whose starts have come to nothing
                before is not started: `Started.ALONE` asks for a call of its own.
        """
        ...

    def finish(self, task_id: str, outcome: Outcome) -> Finished:
        """Write the outcome, unless there is one already."""
        ...

    def release(self, task_id: str, *, delivery: str) -> Finished:
        """Put a task that this delivery started back at the queue's head: the start does not count."""
        ...

    def park(self, task_id: str, reason: str) -> Finished:
        """Make the task a dead letter, its sealed request kept; `reason` is a code."""
        ...


class RedisRecords:
    """Task records in Redis. Thread-safe."""

    def __init__(
        self, client: redis.Redis, message: MessageTemplate, *, result_ttl_seconds: int, lease_seconds: float
    ) -> None:
        self._message = message
        self._lifetime_milliseconds = 1000 * result_ttl_seconds
        self._lease_milliseconds = int(1000 * lease_seconds)
        self._start = client.register_script(record_scripts.START)
        self._finish = client.register_script(record_scripts.FINISH)
        self._release = client.register_script(record_scripts.RELEASE)
        self._park = client.register_script(record_scripts.PARK)

    def start(self, task_id: str, *, delivery: str, alone: bool) -> Start | Started:
        """See `TaskRecords.start`."""
        reply = _run(
            self._start,
            keys=[record_key(task_id), HELD_KEY],
            args=[task_id, delivery, self._lease_milliseconds, int(alone)],
        )
        status = Started(reply[0].decode())
        if status is not Started.STARTED:
            return status
        _, sealed, fingerprint, starts, accepted_at, now = reply
        return Start(sealed, fingerprint.decode(), starts, (now - accepted_at) / 1000)

    def finish(self, task_id: str, outcome: Outcome) -> Finished:
        """See `TaskRecords.finish`."""
        result = celery_result(task_id, outcome, finished_at=datetime.now(UTC))
        reply = _run(
            self._finish,
            keys=[record_key(task_id), OPEN_KEY, DEAD_KEY, result_key(task_id), HELD_KEY],
            args=[task_id, _dump(result), self._lifetime_milliseconds],
        )
        return Finished(reply.decode())

    def release(self, task_id: str, *, delivery: str) -> Finished:
        """See `TaskRecords.release`."""
        reply = _run(
            self._release,
            keys=[record_key(task_id), HELD_KEY, QUEUE],
            args=[task_id, delivery, self._message.message(task_id)],
        )
        return Finished(reply.decode())

    def park(self, task_id: str, reason: str) -> Finished:
        """See `TaskRecords.park`."""
        result = celery_failure(task_id, reason, finished_at=datetime.now(UTC))
        reply = _run(
            self._park,
            keys=[record_key(task_id), OPEN_KEY, DEAD_KEY, result_key(task_id), HELD_KEY],
            args=[task_id, reason, _dump(result)],
        )
        return Finished(reply.decode())


def _dump(result: object) -> bytes:
    return json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode()


def _run(script: Callable[..., Any], *, keys: Sequence[str], args: Sequence[str | int | bytes]) -> Any:
    try:
        return script(keys=keys, args=args)
    except ResponseError as error:
        # A reply that is an error in itself, the script's own for one, does not pass by waiting; what a server says
        # while it starts, fails over or is short of memory does (redis-py gives those classes of their own).
        if type(error) is ResponseError and not str(error).startswith(("MISCONF", "UNBLOCKED", "NOREPLICAS")):
            raise
        raise TransientError(BROKER) from error
    except RedisError as error:
        raise TransientError(BROKER) from error
