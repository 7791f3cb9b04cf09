"""Records of chunks as the worker moves them. Every method raises `TransientError` while Redis is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.protocol.lanes import CHUNKS
from schemas.protocol.message import MessageTemplate
from schemas.protocol.steps import chunk_working, ending
from schemas.protocol.steps.chunk_working import Part
from worker.promise.calls import BrokerCalls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import redis

    from schemas.events import OutcomeEvent
    from schemas.ids import IdDeriver
    from schemas.protocol.steps.chunk_working import RefusedRow, StartedChunk
    from schemas.protocol.steps.ending import RecordChange
    from schemas.protocol.steps.working import Delivery, NotStarted

_CHUNKS_A_CALL: Final = 500
"""Chunks that one call settles. Redis does nothing else while it runs, for a millisecond or two."""

_MOST_SETTLING_CALLS: Final = 400
"""Calls of one round. What is left over is settled in the next."""


class ChunkRecords:
    """Records of chunks, and of parts of chunks, in Redis. Thread-safe. Every method may be repeated."""

    def __init__(
        self,
        client: redis.Redis,
        ids: IdDeriver,
        *,
        result_ttl_seconds: int,
        lease_seconds: float,
        unreadable_wait_seconds: float,
    ) -> None:
        """As for `worker.promise.records.RedisRecords`; `ids` derives the ids of parts."""
        self._calls = BrokerCalls(client)
        self._ids = ids
        self._messages = MessageTemplate(CHUNKS)
        self._result_ttl_seconds = result_ttl_seconds
        self._lease_seconds = lease_seconds
        self._unreadable_wait_seconds = unreadable_wait_seconds

    def start(self, delivery: Delivery, *, alone: bool) -> StartedChunk | NotStarted:
        """Take a lease, count a start and hand over the request; or say why nothing is to be done."""
        return self._calls.run(chunk_working.start_chunk(delivery, lease_seconds=self._lease_seconds, alone=alone))

    def split(self, delivery: Delivery, chunk: StartedChunk) -> RecordChange:
        """Make two tasks of one that this delivery has started: one for each half of the rows."""
        middle = (chunk.first + chunk.end) // 2
        return self._calls.run(
            chunk_working.split_chunk(
                delivery,
                chunk_id=chunk.chunk_id,
                middle=middle,
                left=self._part(chunk.chunk_id, chunk.first, middle),
                right=self._part(chunk.chunk_id, middle, chunk.end),
            )
        )

    def finish(
        self,
        delivery: Delivery,
        chunk: StartedChunk,
        *,
        results: bytes,
        counts: Mapping[str, int],
        refused: Sequence[RefusedRow],
        told: Sequence[tuple[int, OutcomeEvent]],
    ) -> RecordChange:
        """Write the outcomes of the rows; see `schemas.protocol.steps.chunk_working.finish_chunk`."""
        return self._calls.run(
            chunk_working.finish_chunk(
                delivery.task_id,
                chunk_id=chunk.chunk_id,
                results=results,
                counts=counts,
                refused=refused,
                told=told,
            )
        )

    def park(self, delivery: Delivery, chunk: StartedChunk, *, reason: str, detail: str = "") -> RecordChange:
        """Make a dead letter of what this delivery has started."""
        return self._calls.run(
            chunk_working.park_chunk(delivery, chunk_id=chunk.chunk_id, reason=reason, detail=detail)
        )

    def defer(self, delivery: Delivery) -> RecordChange:
        """Leave what this delivery has started to other workers."""
        return self._calls.run(ending.defer(delivery, patience_seconds=self._unreadable_wait_seconds, lane=CHUNKS))

    def release(self, delivery: Delivery) -> RecordChange:
        """Put what this delivery has started back at the queue's head. The start does not count."""
        message = self._messages.message(delivery.task_id)
        return self._calls.run(ending.release(delivery, message=message, lane=CHUNKS))

    def put_back(self, task_ids: Sequence[str]) -> None:
        """Put chunks that were taken off the queue and not started back at its head."""
        messages = [self._messages.message(task_id) for task_id in task_ids]
        self._calls.run(ending.put_back(messages, lane=CHUNKS))

    def claim_emails(self, batch_id: str, claims: Sequence[tuple[bytes, bytes]]) -> tuple[bool, ...]:
        """Find out which rows of a validated batch are the first with their email."""
        return self._calls.run(chunk_working.claim_emails(batch_id, claims, lifetime_seconds=self._result_ttl_seconds))

    def settle(self) -> None:
        """Look after the batches that are due: end uploads that were broken off, let what has ended expire."""
        for _ in range(_MOST_SETTLING_CALLS):
            call = chunk_working.settle_batches(most=_CHUNKS_A_CALL, lifetime_seconds=self._result_ttl_seconds)
            if not self._calls.run(call):
                return

    def _part(self, chunk_id: str, first: int, end: int) -> Part:
        task_id = self._ids.part_id(chunk_id=chunk_id, first=first, end=end)
        return Part(task_id, self._messages.message(task_id))
