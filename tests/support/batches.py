"""Batches in a real Redis. The same steps move them as in shim and worker."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from schemas.ids import new_task_id
from schemas.protocol.batch_keys import OPEN_ROWS_KEY
from schemas.protocol.keys import HELD_KEY, record_key
from schemas.protocol.lanes import CHUNKS
from schemas.protocol.message import PLACEHOLDER_ID, MessageTemplate, render_message
from schemas.protocol.steps import batches, chunk_working, operating, sweeping, uploading
from schemas.protocol.steps.chunk_working import Part, RefusedRow, StartedChunk
from schemas.protocol.steps.uploading import NewBatch, NewChunk
from schemas.protocol.steps.working import Delivery
from startup.broker.calls import send

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import redis

    from schemas.events import OutcomeEvent
    from schemas.protocol.call import Call
    from schemas.protocol.steps.batches import BatchSummary, Canceling, ChunkView
    from schemas.protocol.steps.ending import RecordChange
    from schemas.protocol.steps.uploading import ChunkReply, OpenReply
    from schemas.protocol.steps.working import NotStarted

Reply = TypeVar("Reply")

_MESSAGES = MessageTemplate(CHUNKS)
DAY_SECONDS = 86_400.0


@dataclass
class Batches:
    """Every step of a batch, with defaults for arguments that a test need not repeat."""

    client: redis.Redis
    _lines: dict[str, itertools.count[int]] = field(default_factory=dict)
    _deliveries: itertools.count[int] = field(default_factory=itertools.count)

    def open(self, batch_id: str | None = None, **changes: Any) -> str:
        """OPEN_BATCH. Returns the id."""
        batch_id = batch_id or new_task_id()
        assert isinstance(self.try_open(batch_id, **changes), uploading.BatchOpened)
        return batch_id

    def try_open(
        self,
        batch_id: str,
        *,
        caller: str = "me",
        ordered: bool = False,
        most_open: int = 0,
        rate_per_second: float = 0,
        upload_seconds: float = 60,
        latest_milliseconds: int = 0,
    ) -> OpenReply:
        """OPEN_BATCH."""
        batch = NewBatch(batch_id=batch_id, caller=caller, name="a name", mode="create", ordered=ordered)
        call = uploading.open_batch(
            batch, most_open=most_open, rate_per_second=rate_per_second, rate_burst=1, upload_seconds=upload_seconds
        )
        return self.run(call.with_deadline(latest_milliseconds))

    def accept(
        self,
        batch_id: str,
        chunk_id: str,
        *,
        rows: int = 4,
        first_line: int | None = None,
        first_id: str | None = None,
        generation: int = 0,
        most_open_rows: int = 0,
        most_batch_rows: int = 0,
        latest_milliseconds: int = 0,
        sealed: bytes | None = None,
    ) -> ChunkReply:
        """ACCEPT_CHUNK, behind the chunks that were accepted before."""
        if first_line is None:
            first_line = next(self._lines.setdefault(batch_id, itertools.count(1, 1000)))
        chunk = NewChunk(
            chunk_id=chunk_id,
            first_id=first_id or chunk_id,
            generation=generation,
            batch_id=batch_id,
            caller="me",
            sealed=b"sealed " + chunk_id.encode() if sealed is None else sealed,
            rows=rows,
            first_line=first_line,
            lines=f"{first_line}+{rows}",
        )
        call = uploading.accept_chunk(
            chunk,
            message=_MESSAGES.message(chunk_id),
            most_open_rows=most_open_rows,
            most_batch_rows=most_batch_rows,
            upload_seconds=60,
        )
        return self.run(call.with_deadline(latest_milliseconds))

    def end(self, batch_id: str, *, complete: bool = True) -> BatchSummary:
        """END_UPLOAD."""
        summary = self.run(uploading.end_upload(batch_id, complete=complete))
        assert summary is not None
        return summary

    def read(self, batch_id: str) -> BatchSummary:
        """READ_BATCH."""
        summary = self.run(batches.read_batch(batch_id))
        assert summary is not None
        return summary

    def views(self, batch_id: str, *, after: int = 0, most: int = 100) -> tuple[ChunkView, ...]:
        """READ_CHUNKS."""
        return self.run(batches.read_chunks(batch_id, after=after, most=most))

    def take(self) -> str:
        """Take the chunk at the queue's head off the queue. Returns the id of its task."""
        message = self.client.rpop(CHUNKS.queue)
        assert isinstance(message, bytes)
        (task_id,) = {each for each in self.known_ids() if each.encode() in message}
        return task_id

    def known_ids(self) -> set[str]:
        """The ids of all records."""
        return {key.decode().removeprefix(record_key("")) for key in self.client.scan_iter(record_key("*"))}

    def queued(self) -> int:
        """How many messages are in the queue."""
        return int(self.client.llen(CHUNKS.queue))

    def start(self, task_id: str, *, alone: bool = True, lease_seconds: float = 60) -> StartedChunk | NotStarted:
        """START_CHUNK by a delivery of its own."""
        self.delivery = Delivery(task_id, f"delivery {next(self._deliveries)}")
        return self.run(chunk_working.start_chunk(self.delivery, lease_seconds=lease_seconds, alone=alone))

    def started(self, task_id: str, *, alone: bool = True) -> StartedChunk:
        """START_CHUNK that starts the task."""
        started = self.start(task_id, alone=alone)
        assert isinstance(started, StartedChunk)
        return started

    def die(self, task_id: str) -> None:
        """Let the worker that has the task die, so that its lease runs out."""
        self.client.zrem(HELD_KEY, task_id)

    def split(self, started: StartedChunk) -> tuple[str, str]:
        """SPLIT_CHUNK by the last delivery. Returns the ids of the parts."""
        left, right = new_task_id(), new_task_id()
        change = self.run(
            chunk_working.split_chunk(
                self.delivery,
                chunk_id=started.chunk_id,
                middle=(started.first + started.end) // 2,
                left=Part(left, _MESSAGES.message(left)),
                right=Part(right, _MESSAGES.message(right)),
            )
        )
        assert change == "written"
        return left, right

    def finish(
        self,
        task_id: str,
        chunk_id: str | None = None,
        *,
        results: bytes = b"results",
        counts: Mapping[str, int] | None = None,
        refused: Sequence[RefusedRow] = (),
        told: Sequence[tuple[int, OutcomeEvent]] = (),
    ) -> RecordChange:
        """FINISH_CHUNK. All four rows were created, unless the counts say otherwise."""
        return self.run(
            chunk_working.finish_chunk(
                task_id,
                chunk_id=chunk_id or task_id,
                results=results,
                counts={"created": 4} if counts is None else counts,
                refused=refused,
                told=told,
            )
        )

    def park(self, chunk_id: str) -> RecordChange:
        """PARK_CHUNK by the last delivery."""
        return self.run(chunk_working.park_chunk(self.delivery, chunk_id=chunk_id, reason="a_reason", detail="more"))

    def requeue(self, task_id: str) -> RecordChange:
        """REQUEUE_CHUNK."""
        return self.run(operating.requeue_chunk(task_id, message=_MESSAGES.message(task_id)))

    def drop(self, task_id: str) -> RecordChange:
        """DROP_CHUNK."""
        return self.run(operating.drop_chunk(task_id))

    def cancel(self, batch_id: str, *, most: int = 100) -> Canceling | None:
        """CANCEL_BATCH, one page of chunks."""
        return self.run(batches.cancel_batch(batch_id, most=most))

    def settle(self, *, most: int = 100, lifetime_seconds: float = DAY_SECONDS) -> None:
        """SETTLE_BATCHES until nothing is due."""
        while self.run(chunk_working.settle_batches(most=most, lifetime_seconds=lifetime_seconds)):
            pass

    def sweep(self) -> Sequence[str]:
        """SWEEP of the chunks at a time when each task is due. Returns the ids that were sent again."""
        assert self.run(sweeping.lease_sweeper("me", lease_seconds=60)) or True
        swept = self.run(
            sweeping.sweep(
                "me",
                sweeper_lease_seconds=60,
                most=100,
                grace_seconds=0,
                longest_gap_seconds=0,
                message=render_message(CHUNKS),
                placeholder=PLACEHOLDER_ID,
                missed_seconds=0,
                task_lease_seconds=60,
                lane=CHUNKS,
            )
        )
        assert isinstance(swept, sweeping.Swept)
        return swept.resent

    def record(self, task_id: str) -> dict[str, str]:
        """The record as it is stored."""
        fields: Any = self.client.hgetall(record_key(task_id))
        return {name.decode(): value.decode("latin-1") for name, value in fields.items()}

    def open_rows(self) -> int:
        """How many rows have no outcome."""
        return int(self.client.get(OPEN_ROWS_KEY) or 0)

    def run(self, call: Call[Reply]) -> Reply:
        """Make a call. Returns its reply."""
        (reply,) = send(self.client, [call])
        if isinstance(reply, Exception):
            raise reply
        return call.read(reply)
