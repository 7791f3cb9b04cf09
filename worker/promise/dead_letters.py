"""Dead letters, for the operator: what is parked and why, a second chance, and the end. Never a request's content."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol import record_scripts
from schemas.protocol.keys import DEAD_KEY, OPEN_KEY, QUEUE, RESENT_KEY, Field, Finished, record_key, result_key
from schemas.sealing import UnsealError, sealed_with

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import redis

    from schemas.protocol.message import MessageTemplate

_PAGE: Final = 500
"""Dead letters a round trip: Redis answers others between two of them, and no more are held in memory here."""

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
        for page in _pages(self._client, DEAD_KEY):
            with self._client.pipeline(transaction=False) as pipeline:
                for task_id in page:
                    pipeline.hmget(record_key(task_id), *_SHOWN_FIELDS)
                letters = map(_letter, page, pipeline.execute())
            yield from (letter for letter in letters if letter is not None)

    def find(self, task_id: str) -> DeadLetter | None:
        """The dead letter of this task; None where the task is none."""
        return _letter(task_id, self._client.hmget(record_key(task_id), *_SHOWN_FIELDS))

    def requeue_all(self) -> Iterator[tuple[str, Finished]]:
        """Requeue whatever is a dead letter by now, the oldest first; see `requeue`.

        What becomes a dead letter again meanwhile stays one.
        """
        seconds, microseconds = self._client.time()
        now = 1000 * seconds + microseconds // 1000
        passed_over = 0
        while page := _ids(self._client.zrange(DEAD_KEY, "-inf", now, byscore=True, offset=passed_over, num=_PAGE)):
            with self._client.pipeline(transaction=False) as pipeline:
                for task_id in page:
                    self._queue_requeue(task_id, pipeline)
                replies = pipeline.execute()
            for task_id, reply in zip(page, replies, strict=True):
                result = Finished(reply.decode())
                passed_over += result is not Finished.WRITTEN
                yield task_id, result

    def requeue(self, task_id: str) -> Finished:
        """Put it on the queue again, its starts forgotten; `written`, or why not."""
        return Finished(self._queue_requeue(task_id, self._client).decode())

    def _queue_requeue(self, task_id: str, client: redis.Redis) -> Any:
        return self._requeue(
            keys=[record_key(task_id), OPEN_KEY, DEAD_KEY, QUEUE, result_key(task_id), RESENT_KEY],
            args=[task_id, self._message.message(task_id)],
            client=client,
        )

    def drop(self, task_id: str) -> Finished:
        """Forget it and its request for good; `written`, or why not."""
        reply = self._drop(keys=[record_key(task_id), DEAD_KEY, result_key(task_id)], args=[task_id])
        return Finished(reply.decode())


def sealing_keys_in_use(client: redis.Redis) -> dict[str, int]:
    """The ids of the keys that open tasks and dead letters are sealed with, and how many each; others may go."""
    counts: Counter[str] = Counter()
    for index in (OPEN_KEY, DEAD_KEY):
        for page in _pages(client, index):
            with client.pipeline(transaction=False) as pipeline:
                for task_id in page:
                    pipeline.hget(record_key(task_id), Field.SEALED)
                counts.update(_sealing_key(sealed) for sealed in pipeline.execute() if sealed is not None)
    return dict(counts)


def _pages(client: redis.Redis, index: str) -> Iterator[list[str]]:
    """The ids in a sorted set, in its order.

    By score, so that what leaves the set meanwhile makes nothing else be passed over.
    """
    score, skip = "-inf", 0
    while True:
        page: Any = client.zrange(index, score, "+inf", byscore=True, offset=skip, num=_PAGE, withscores=True)
        yield [task_id.decode() for task_id, _ in page]
        if len(page) < _PAGE:
            return
        last = page[-1][1]
        of_last = sum(each == last for _, each in page)
        skip = of_last + (skip if score == repr(last) else 0)
        score = repr(last)


def _ids(page: Any) -> list[str]:
    return [task_id.decode() for task_id in page]


def _letter(task_id: str, values: Sequence[Any]) -> DeadLetter | None:
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


def _sealing_key(sealed: bytes) -> str:
    try:
        return sealed_with(sealed)
    except UnsealError:
        return "unknown"


def _time(milliseconds: bytes | None) -> datetime:
    return datetime.fromtimestamp(int(milliseconds or 0) / 1000, UTC)
