"""Dead letters, for the operator: list them with their reasons, requeue them, drop them. Shows nothing of a request."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import ResponseError

from console.service.dead_letter import (
    CHUNK_FIELDS,
    FIELDS_WITHOUT_REQUEST,
    SHOWN_FIELDS,
    dead_letter_of,
    root_of,
    sealing_key_of,
    without_request,
)
from schemas.batch import line_numbers
from schemas.protocol.batch_keys import WAITING_CHUNKS_KEY, ChunkField, chunks_key
from schemas.protocol.keys import DEAD_KEY, OPEN_KEY, Field, record_key
from schemas.protocol.lanes import CHUNKS, LANES, SIGNUPS
from schemas.protocol.message import MessageTemplate
from schemas.protocol.steps import operating
from schemas.protocol.steps.ending import RecordChange
from startup.broker.calls import send

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import redis

    from console.service.dead_letter import DeadLetter, DeadRows
    from schemas.protocol.call import Call

_WRONG_TYPE: Final = "WRONGTYPE"
"""How the error of Redis begins where a key holds something else than what is asked for."""

_PAGE: Final = 500
"""Dead letters in one round trip. Redis answers others between two pages, and one page is kept in memory here."""


class DeadLetters:
    """The dead letters in Redis. Every method raises `redis.RedisError` while it is away."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._messages = {lane: MessageTemplate(lane) for lane in LANES}

    def all(self) -> Iterator[DeadLetter]:
        """Yield every dead letter, the oldest first."""
        for page in _pages(self._client, DEAD_KEY):
            yield from self._letters(page)

    def page(self, after: str) -> list[tuple[DeadLetter | None, str]]:
        """Some dead letters behind a place, the oldest first, each with its own place. Empty where there are no more.

        A place stays where it is while letters come and go. The requests are not read, so the ids of sealing keys are
        not known. None stands for a task that is no dead letter any more.

        Args:
            after: the place of the last one that the caller has, and empty for the very first.
        """
        places = _places(self._client, after)
        records = _fields(self._client, [task_id for task_id, _ in places], *FIELDS_WITHOUT_REQUEST)
        values = [without_request(each) for each in records]
        roots = list({root for each in values if (root := root_of(each)) is not None})
        chunks = dict(zip(roots, _fields(self._client, roots, ChunkField.BATCHES), strict=True))
        return [
            (dead_letter_of(task_id, each, (None, *chunks.get(root_of(each) or "", (None,)))), place)
            for (task_id, place), each in zip(places, values, strict=True)
        ]

    def find(self, task_id: str) -> DeadLetter | None:
        """The dead letter with this task id; None where the task is not a dead letter.

        Of rows of a batch it has the numbers of their lines too.
        """
        for letter in self._letters([task_id]):
            rows = letter.dead_rows
            return replace(letter, dead_rows=rows and replace(rows, lines=self._lines(rows)))
        return None

    def requeue_all(self) -> Iterator[tuple[str, RecordChange]]:
        """Requeue every task that is a dead letter now, the oldest first; see `requeue`.

        A task that becomes a dead letter again meanwhile is not requeued a second time.
        """
        seconds, microseconds = self._client.time()
        now = 1000 * seconds + microseconds // 1000
        passed_over = 0
        while page := _ids(self._client.zrange(DEAD_KEY, "-inf", now, byscore=True, offset=passed_over, num=_PAGE)):
            changes = self._run_all(self._requeue(page))
            for task_id, change in zip(page, changes, strict=True):
                passed_over += change is not RecordChange.WRITTEN
                yield task_id, change

    def requeue(self, task_id: str) -> RecordChange:
        """Put a dead letter on the queue again, its starts forgotten. The reply says whether that was done."""
        (change,) = self.requeue_each([task_id])
        return change

    def requeue_each(self, task_ids: Sequence[str]) -> list[RecordChange]:
        """Do as `requeue` for each of these, in one round trip."""
        return self._run_all(self._requeue(task_ids))

    def drop(self, task_id: str) -> RecordChange:
        """Forget a dead letter and its request for good. The reply says whether that was done."""
        (change,) = self.drop_each([task_id])
        return change

    def drop_each(self, task_ids: Sequence[str]) -> list[RecordChange]:
        """Do as `drop` for each of these, in one round trip."""
        return self._run_all(
            [
                operating.drop_chunk(task_id) if is_of_batch else operating.drop(task_id)
                for task_id, is_of_batch in zip(task_ids, self._are_of_batches(task_ids), strict=True)
            ]
        )

    def _requeue(self, task_ids: Sequence[str]) -> list[Call[RecordChange]]:
        return [
            operating.requeue_chunk(task_id, message=self._messages[CHUNKS].message(task_id))
            if is_of_batch
            else operating.requeue(task_id, message=self._messages[SIGNUPS].message(task_id))
            for task_id, is_of_batch in zip(task_ids, self._are_of_batches(task_ids), strict=True)
        ]

    def _are_of_batches(self, task_ids: Sequence[str]) -> list[bool]:
        return [rows is not None for (rows,) in _fields(self._client, task_ids, ChunkField.ROWS)]

    def _letters(self, task_ids: Sequence[str]) -> Iterator[DeadLetter]:
        records = _fields(self._client, task_ids, *SHOWN_FIELDS)
        # A part of a chunk has no request of its own, and does not know the batches.
        roots = list({root for values in records if (root := root_of(values)) is not None})
        chunks = dict(zip(roots, _fields(self._client, roots, *CHUNK_FIELDS), strict=True))
        for task_id, values in zip(task_ids, records, strict=True):
            letter = dead_letter_of(task_id, values, chunks.get(root_of(values) or "", (None, None)))
            if letter is not None:
                yield letter

    def _lines(self, rows: DeadRows) -> dict[str, str]:
        """The numbers of the rows' lines in each batch that can still be read."""
        lines: dict[str, str] = {}
        for batch_id in rows.batches:
            numbers: list[int] = []
            # A batch lists a chunk twice where its rows came twice.
            for member, _ in self._client.zscan_iter(chunks_key(batch_id), match=f"? {rows.chunk_id} *", count=_PAGE):
                of_chunk = line_numbers.decode(member.decode().split(" ")[2])
                numbers += of_chunk[rows.first : rows.first + rows.count]
            if numbers:
                lines[batch_id] = line_numbers.encode(sorted(numbers))
        return lines

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
            counts.update(sealing_key_of(each) for each in sealed if each is not None)
    return dict(counts)


def _fields(client: redis.Redis, task_ids: Sequence[str], *fields: str) -> list[list[bytes | None]]:
    """These fields of each record, in one round trip."""
    with client.pipeline(transaction=False) as pipeline:
        for task_id in task_ids:
            pipeline.hmget(record_key(task_id), *fields)
        records: list[Any] = pipeline.execute(raise_on_error=False)
    # What is no record is as good as none: it must not hide all others.
    return [[None] * len(fields) if _is_no_record(each) else _or_raise(each) for each in records]


def _is_no_record(reply: Any) -> bool:
    return isinstance(reply, ResponseError) and str(reply).startswith(_WRONG_TYPE)


def _or_raise(reply: Any) -> Any:
    if isinstance(reply, Exception):
        raise reply
    return reply


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


def _places(client: redis.Redis, after: str) -> list[tuple[str, str]]:
    """Some ids of dead letters behind a place, each with its own place: when it became one, and its id."""
    score, _, last = after.partition(":")
    skip = 0
    while True:
        page: Any = client.zrange(
            DEAD_KEY, score or "-inf", "(+inf", byscore=True, offset=skip, num=_PAGE, withscores=True
        )
        entries = [(task_id.decode("utf-8", "replace"), str(int(at))) for task_id, at in page]
        found = [(task_id, f"{at}:{task_id}") for task_id, at in entries if at != score or task_id > last]
        if found or len(page) < _PAGE:
            return found
        skip += _PAGE


def _ids(page: Any) -> list[str]:
    return [task_id.decode() for task_id in page]
