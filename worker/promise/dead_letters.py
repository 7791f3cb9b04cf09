"""Dead letters, for the operator: list them with their reasons, requeue them, drop them. Shows nothing of a request."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.batch_keys import WAITING_CHUNKS_KEY, ChunkField
from schemas.protocol.keys import DEAD_KEY, OPEN_KEY, Field, State, record_key
from schemas.protocol.lanes import CHUNKS
from schemas.protocol.steps import operating
from schemas.protocol.steps.ending import RecordChange
from schemas.sealing import UnsealError, sealed_with
from worker.promise.calls import send

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import redis

    from schemas.protocol.call import Call
    from schemas.protocol.message import MessageTemplate

_PAGE: Final = 500
"""Dead letters in one round trip. Redis answers others between two pages, and one page is kept in memory here."""

_SHOWN_FIELDS: Final = (
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
"""Fields that a `DeadLetter` is made of, in the order in which `_letter` takes them apart."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter, as an operator may see it."""

    task_id: str
    reason: str
    detail: str
    """What else is known of the reason: an error by name, an index. Empty where nothing is."""
    accepted_at: datetime
    parked_at: datetime
    sends: int
    starts: int
    caller: str
    sealing_key: str
    """Id of the key that opens its request."""

    def as_dict(self) -> dict[str, Any]:
        """The dead letter as a JSON object."""
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

    def all(self) -> Iterator[DeadLetter]:
        """Yield every dead letter, the oldest first."""
        for page in _pages(self._client, DEAD_KEY):
            with self._client.pipeline(transaction=False) as pipeline:
                for task_id in page:
                    pipeline.hmget(record_key(task_id), *_SHOWN_FIELDS)
                letters = map(_letter, page, pipeline.execute())
            yield from (letter for letter in letters if letter is not None)

    def find(self, task_id: str) -> DeadLetter | None:
        """The dead letter with this task id; None where the task is not a dead letter."""
        return _letter(task_id, self._client.hmget(record_key(task_id), *_SHOWN_FIELDS))

    def requeue_all(self) -> Iterator[tuple[str, RecordChange]]:
        """Requeue every task that is a dead letter now, the oldest first; see `requeue`.

        A task that becomes a dead letter again meanwhile is not requeued a second time.
        """
        seconds, microseconds = self._client.time()
        now = 1000 * seconds + microseconds // 1000
        passed_over = 0
        while page := _ids(self._client.zrange(DEAD_KEY, "-inf", now, byscore=True, offset=passed_over, num=_PAGE)):
            changes = self._run_all([self._requeue(task_id) for task_id in page])
            for task_id, change in zip(page, changes, strict=True):
                passed_over += change is not RecordChange.WRITTEN
                yield task_id, change

    def requeue(self, task_id: str) -> RecordChange:
        """Put a dead letter on the queue again, its starts forgotten. The reply says whether that was done."""
        (change,) = self._run_all([self._requeue(task_id)])
        return change

    def drop(self, task_id: str) -> RecordChange:
        """Forget a dead letter and its request for good. The reply says whether that was done."""
        (change,) = self._run_all([operating.drop(task_id)])
        return change

    def _requeue(self, task_id: str) -> Call[RecordChange]:
        return operating.requeue(task_id, message=self._message.message(task_id))

    def _run_all(self, calls: Sequence[Call[RecordChange]]) -> list[RecordChange]:
        replies = send(self._client, calls)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return [call.read(reply) for call, reply in zip(calls, replies, strict=True)]


def sealing_keys_in_use(client: redis.Redis) -> dict[str, int]:
    """Count the open tasks and dead letters that are sealed with each key, by the key's id.

    A private key that is not among them is not needed any more, unless it is the newest.
    """
    counts: Counter[str] = Counter()
    for index in (OPEN_KEY, CHUNKS.open_key, WAITING_CHUNKS_KEY, DEAD_KEY):
        for page in _pages(client, index):
            sealed, roots = [], []
            for own, root in _fields(client, page, Field.SEALED, ChunkField.ROOT):
                sealed.append(own)
                # A part of a chunk has no request of its own.
                if root is not None:
                    roots.append(root.decode())
            sealed += [own for (own,) in _fields(client, roots, Field.SEALED)]
            counts.update(_sealing_key(each) for each in sealed if each is not None)
    return dict(counts)


def _fields(client: redis.Redis, task_ids: Sequence[str], *fields: str) -> list[list[bytes | None]]:
    """These fields of each record, in one round trip."""
    with client.pipeline(transaction=False) as pipeline:
        for task_id in task_ids:
            pipeline.hmget(record_key(task_id), *fields)
        return pipeline.execute()


def _pages(client: redis.Redis, index: str) -> Iterator[list[str]]:
    """Yield the ids in a sorted set, page by page, in its order.

    Pages begin at a score and not at a rank, so that an id that leaves the set meanwhile moves no other id into a page
    that was read already.
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
    if state != State.FAILURE.encode():
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
