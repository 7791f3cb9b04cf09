"""Dead letters, for the operator: what is parked and why, a second chance, and the end. Never a request's content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from schemas import record_scripts
from schemas.sealing import UnsealError, sealed_with
from schemas.task_record import DEAD_KEY, OPEN_KEY, QUEUE, RESENT_KEY, Field, Finished, record_key, result_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from schemas.celery_message import MessageTemplate

_PAGE = 500

_SHOWN_FIELDS = (
    Field.STATE,
    Field.REASON,
    Field.DETAIL,
    Field.ACCEPTED_AT,
    Field.FINISHED_AT,
    Field.SENDS,
    Field.STARTS,
    Field.CALLER,
    Field.SEALED,
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What may be shown of a dead letter."""

    task_id: str
    reason: str
    detail: str
    """What else is known of the reason: an error by name, an index."""
    accepted_at: datetime
    parked_at: datetime
    sends: int
    starts: int
    caller: str
    sealing_key: str
    """Id of the key that opens its request."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": self.task_id,
            "reason": self.reason,
            "detail": self.detail,
            "accepted_at": self.accepted_at.isoformat(),
            "parked_at": self.parked_at.isoformat(),
            "sends": self.sends,
            "starts": self.starts,
            "caller": self.caller,
            "sealing_key": self.sealing_key,
        }


class DeadLetters:
    """The dead letters in Redis. Every method raises `redis.RedisError` while it is away."""

    def __init__(self, client: redis.Redis, message: MessageTemplate) -> None:
        self._client = client
        self._message = message
        self._requeue = client.register_script(record_scripts.REQUEUE)
        self._drop = client.register_script(record_scripts.DROP)

    def all(self) -> Iterator[DeadLetter]:
        """Every dead letter, the oldest first."""
        first = 0
        while True:
            page: Any = self._client.zrange(DEAD_KEY, first, first + _PAGE - 1)
            for task_id in page:
                letter = self.find(task_id.decode())
                if letter is not None:
                    yield letter
            if len(page) < _PAGE:
                return
            first += _PAGE

    def find(self, task_id: str) -> DeadLetter | None:
        """The dead letter of this task; None where the task is none."""
        values: list[Any] = self._client.hmget(record_key(task_id), *_SHOWN_FIELDS)
        state, reason, detail, accepted_at, parked_at, sends, starts, caller, sealed = values
        if state != b"FAILURE":
            return None
        return DeadLetter(
            task_id,
            (reason or b"").decode(),
            (detail or b"").decode(),
            _time(accepted_at),
            _time(parked_at),
            int(sends or 0),
            int(starts or 0),
            (caller or b"").decode("utf-8", "replace"),
            _sealing_key(sealed or b""),
        )

    def requeue(self, task_id: str) -> Finished:
        """Put it on the queue again, its starts forgotten; `written`, or why not."""
        reply = self._requeue(
            keys=[record_key(task_id), OPEN_KEY, DEAD_KEY, QUEUE, result_key(task_id), RESENT_KEY],
            args=[task_id, self._message.message(task_id)],
        )
        return Finished(reply.decode())

    def drop(self, task_id: str) -> Finished:
        """Forget it and its request for good; `written`, or why not."""
        reply = self._drop(keys=[record_key(task_id), DEAD_KEY, result_key(task_id)], args=[task_id])
        return Finished(reply.decode())


def sealing_keys_in_use(client: redis.Redis) -> dict[str, int]:
    """The ids of the keys that open tasks and dead letters are sealed with, and how many each; others may go."""
    counts: dict[str, int] = {}
    for index in (OPEN_KEY, DEAD_KEY):
        ids = [task_id.decode() for task_id, _ in client.zscan_iter(index, count=_PAGE)]
        for first in range(0, len(ids), _PAGE):
            pipeline = client.pipeline(transaction=False)
            for task_id in ids[first : first + _PAGE]:
                pipeline.hget(record_key(task_id), Field.SEALED)
            for sealed in pipeline.execute():
                if sealed is not None:
                    key = _sealing_key(sealed)
                    counts[key] = counts.get(key, 0) + 1
    return counts


def _sealing_key(sealed: bytes) -> str:
    try:
        return sealed_with(sealed)
    except UnsealError:
        return "unknown"


def _time(milliseconds: bytes | None) -> datetime:
    return datetime.fromtimestamp(int(milliseconds or 0) / 1000, UTC)
