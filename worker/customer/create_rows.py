"""The use case of a batch: brings the rows of a chunk to their outcomes. Knows neither Celery nor HTTP."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import structlog

from schemas import outcome as outcomes
from schemas.batch.content import (
    ContentFormatError,
    Mode,
    UnknownContentVersionError,
    unpack,
)
from schemas.batch.row_results import pack_results
from schemas.events import row_event
from schemas.protocol.keys import RECORD_FORM
from schemas.protocol.steps.chunk_working import RefusedRow, StartedChunk
from schemas.protocol.steps.ending import RecordChange
from schemas.sealing import UnknownEnvelopeVersionError, UnknownSealingKeyError, UnsealError
from startup.seldom import Seldom
from worker.customer.chunk_rows import ChunkRows
from worker.customer.create_customer import DEFERRED, PARKED_TOO_MANY_STARTS
from worker.customer.rows import Checked, Decided, Hashed, Refused, Row
from worker.customer.sealed_requests import (
    PARKED_UNKNOWN_FORM,
    PARKED_UNKNOWN_KEY,
    PARKED_UNKNOWN_VERSION,
    PARKED_UNREADABLE,
    Elsewhere,
)
from worker.customer.task_group import failed
from worker.dependencies.errors import GiveBackError
from worker.traces import DEFER, FINISH, HASH, INSERT, LOOK_UP, PARK, SPLIT, UNTRACED, VALIDATE

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from schemas.batch.content import ChunkContent
    from schemas.ids import IdDeriver
    from schemas.outcome import Outcome
    from schemas.protocol.steps.working import Delivery
    from schemas.sealing import Unsealer
    from worker.customer.chunk_rows import State
    from worker.customer.stages import Stages
    from worker.dependencies.patience import Patience
    from worker.metrics import WorkerMetrics
    from worker.promise.chunk_records import ChunkRecords
    from worker.promise.turnstile import Turnstile
    from worker.traces import Work

DONE: Final = "done"
"""The ending of a chunk whose rows have their outcomes."""

HALVED: Final = "halved"
"""The ending of a chunk that was started twice without an outcome. Its halves are tasks of their own."""

_STARTS_BEFORE_HALVING: Final = 2
"""A chunk that is started more often is halved, unless it has one row alone."""

_ROWS_A_SLICE: Final = 32
"""Rows that are hashed before the worker looks whether a task waits to run alone."""

log = structlog.get_logger("worker.chunk")


class CreateRows:
    """Brings chunks to their outcomes, each row exactly once however often it is delivered. Thread-safe."""

    def __init__(
        self,
        *,
        records: ChunkRecords,
        unsealer: Unsealer,
        ids: IdDeriver,
        stages: Stages,
        patience: Patience,
        turnstile: Turnstile,
        metrics: WorkerMetrics,
        maximum_starts: int,
        tells_rows: bool,
        stopping: threading.Event,
    ) -> None:
        """Work on nothing yet.

        Args:
            records: moves chunks.
            unsealer: opens their requests.
            ids: derives the ids of customers and parts.
            stages: brings rows to their outcomes.
            patience: repeats what fails while a server is away.
            turnstile: lets a chunk run alone.
            metrics: counts rows.
            maximum_starts: a row that is started more often is a dead letter.
            tells_rows: whether each row has an event of its own, beside that of its batch.
            stopping: is set when the worker begins to stop.
        """
        self._records = records
        self._unsealer = unsealer
        self._ids = ids
        self._stages = stages
        self._patience = patience
        self._turnstile = turnstile
        self._metrics = metrics
        self._maximum_starts = maximum_starts
        self._tells_rows = tells_rows
        self._stopping = stopping
        self._seldom = Seldom()

    def run(self, delivery: Delivery, work: Work = UNTRACED) -> str:
        """Work on a chunk beside other tasks, and return its ending in one word.

        `NotStarted.ALONE` asks the caller for `run_alone`. `work` is told what is done, for traces.

        Raises:
            GiveBackError: the worker stops, or cannot use the database. The chunk is to be given back.
        """
        return self._run(delivery, work, alone=False, share=self._turnstile.beside_others)

    def run_alone(self, delivery: Delivery, work: Work = UNTRACED) -> str:
        """Work on a chunk that may kill this process, with nothing beside it; as `run` otherwise."""
        with self._turnstile.alone():
            return self._run(delivery, work, alone=True, share=nullcontext)

    def release(self, delivery: Delivery) -> RecordChange:
        """Give the chunk back without counting its start.

        Raises:
            TransientError: Redis cannot be told. The chunk's lease runs out, and its start stays counted.
        """
        return self._records.release(delivery)

    def _run(
        self, delivery: Delivery, work: Work, *, alone: bool, share: Callable[[], AbstractContextManager[None]]
    ) -> str:
        with share():
            chunk = self._patience.until_done(lambda: self._records.start(delivery, alone=alone))
            if not isinstance(chunk, StartedChunk):
                return str(chunk)
            work.taken(delivery, chunk)
            self._patience.check()
            rows = chunk.end - chunk.first
            if chunk.form <= RECORD_FORM and chunk.starts > _STARTS_BEFORE_HALVING and rows > 1:
                with work.stage(SPLIT, [delivery]):
                    return self._split(delivery, chunk)
            content = self._open(chunk)
        if isinstance(content, Elsewhere):
            with work.stage(DEFER, [delivery]):
                return self._defer(delivery, chunk, content, work)
        if isinstance(content, Refused):
            return self._park(delivery, chunk, content, work)
        with self._metrics.chunk_in_work():
            return self._work(delivery, chunk, content, share, work)

    def _open(self, chunk: StartedChunk) -> ChunkContent | Elsewhere | Refused:
        if chunk.form > RECORD_FORM:
            return Elsewhere(PARKED_UNKNOWN_FORM)
        if chunk.starts > self._maximum_starts:
            # The rows stay sealed: reading them may be what kills the process.
            return Refused(PARKED_TOO_MANY_STARTS)
        try:
            content = unpack(self._unsealer.unseal(task_id=chunk.chunk_id, envelope=chunk.sealed))
        except UnknownSealingKeyError:
            return Elsewhere(PARKED_UNKNOWN_KEY)
        except (UnknownEnvelopeVersionError, UnknownContentVersionError):
            return Elsewhere(PARKED_UNKNOWN_VERSION)
        except (UnsealError, ContentFormatError):
            return Refused(PARKED_UNREADABLE)
        return content if chunk.end <= len(content.rows) else Refused(PARKED_UNREADABLE)

    def _work(
        self,
        delivery: Delivery,
        chunk: StartedChunk,
        content: ChunkContent,
        share: Callable[[], AbstractContextManager[None]],
        work: Work,
    ) -> str:
        rows = ChunkRows(content, self._ids, chunk_id=chunk.chunk_id, first=chunk.first, end=chunk.end)
        with share(), work.stage(VALIDATE, [delivery]):
            rows.step(Row, self._stages.check)
        with share(), work.stage(LOOK_UP, [delivery]):
            self._look_up(rows)
        if content.mode is Mode.VALIDATE:
            self._validate(rows, content.batch_id)
        else:
            self._create(rows, share, delivery, work)
        rows.finish_repeats()
        failure = rows.failure()
        if failure is not None:
            return failed(delivery, failure.error)
        with share():
            tells = self._tells_rows and content.mode is Mode.CREATE
            return self._finish(delivery, chunk, rows.states, work, tells=tells)

    def _look_up(self, rows: ChunkRows) -> None:
        """Find rows that are stored already and emails that are taken, in one round trip."""
        states = [rows.states[place] for place in rows.worked]
        identities = [rows.rows[place].identity for place in rows.worked]
        rows.put(rows.worked, self._stages.look_up(states, identities=identities, emails=True))

    def _create(
        self, rows: ChunkRows, share: Callable[[], AbstractContextManager[None]], delivery: Delivery, work: Work
    ) -> None:
        while winners := rows.first_with_their_emails():
            for start in range(0, len(winners), _ROWS_A_SLICE):
                part = winners[start : start + _ROWS_A_SLICE]
                with share(), work.stage(HASH, [delivery]):
                    made = self._stages.hash([each for _, each in part], urgent=False, stopping=self._stopping)
                rows.put([place for place, _ in part], made)
            with share(), work.stage(INSERT, [delivery]):
                rows.step(Hashed, self._stages.insert)
            if any(isinstance(rows.states[place], Checked) for place, _ in winners):
                # What was hashed is stored. The chunk's next delivery finds it by its origin.
                raise GiveBackError
            rows.decide_duplicates(winners)
            if rows.failure() is not None:
                return

    def _validate(self, rows: ChunkRows, batch_id: str) -> None:
        def told(checked: list[Checked]) -> Sequence[State]:
            claims = [
                (
                    self._ids.email_claim(batch_id=batch_id, email_key=each.email.key),
                    each.identity.customer_id.encode()[:_CLAIM_ROW_BYTES],
                )
                for each in checked
            ]
            firsts = self._patience.until_done(lambda: self._records.claim_emails(batch_id, claims))
            return [
                Decided(outcomes.valid() if first else outcomes.duplicate_key(each.email.address))
                for each, first in zip(checked, firsts, strict=True)
            ]

        def stored(decided: list[Decided]) -> Sequence[State]:
            return [Decided(outcomes.valid()) if each.outcome["ok"] else each for each in decided]

        rows.step(Checked, told)
        rows.step(Decided, stored)

    def _finish(
        self, delivery: Delivery, chunk: StartedChunk, states: Sequence[State], work: Work, *, tells: bool
    ) -> str:
        told: list[Outcome] = []
        refused: list[tuple[int, Refused]] = []
        for place, state in enumerate(states, chunk.first):
            if isinstance(state, Decided):
                told.append(state.outcome)
            elif isinstance(state, Refused):
                refused.append((place, state))
                told.append(outcomes.internal_error())
        if refused and len(told) == 1:
            return self._park(delivery, chunk, refused[0][1], work)
        counts = Counter(map(outcomes.name_of, told))
        results = pack_results(told)
        parts = [
            RefusedRow(
                place,
                self._ids.part_id(chunk_id=chunk.chunk_id, first=place, end=place + 1),
                state.reason,
                state.detail,
            )
            for place, state in refused
        ]
        # Dead letters have an event of another kind.
        events = [
            (place, row_event(state.outcome))
            for place, state in enumerate(states, chunk.first)
            if tells and isinstance(state, Decided)
        ]
        with work.stage(FINISH, [delivery]):
            change = self._patience.until_done(
                lambda: self._records.finish(
                    delivery, chunk, results=results, counts=counts, refused=parts, told=events
                )
            )
        if change is not RecordChange.WRITTEN:
            return str(change)
        for part in parts:
            log.error(
                "dead_letter",
                task_id=part.part_id,
                reason=part.reason,
                detail=part.detail,
                **work.fields(delivery),
            )
        self._metrics.rows_ended(counts)
        return DONE

    def _split(self, delivery: Delivery, chunk: StartedChunk) -> str:
        change = self._patience.until_done(lambda: self._records.split(delivery, chunk))
        if change is not RecordChange.WRITTEN:
            return str(change)
        log.warning("chunk_halved", task_id=delivery.task_id, rows=chunk.end - chunk.first)
        return HALVED

    def _park(self, delivery: Delivery, chunk: StartedChunk, refused: Refused, work: Work) -> str:
        with work.stage(PARK, [delivery]):
            change = self._patience.until_done(
                lambda: self._records.park(delivery, chunk, reason=refused.reason, detail=refused.detail)
            )
        if change is not RecordChange.WRITTEN:
            return str(change)
        log.error(
            "dead_letter",
            task_id=delivery.task_id,
            reason=refused.reason,
            detail=refused.detail,
            **work.fields(delivery),
        )
        self._metrics.rows_ended({"internal_error": chunk.end - chunk.first})
        return refused.reason

    def _defer(self, delivery: Delivery, chunk: StartedChunk, elsewhere: Elsewhere, work: Work) -> str:
        change = self._patience.until_done(lambda: self._records.defer(delivery))
        if change is RecordChange.OVERDUE:
            return self._park(delivery, chunk, Refused(elsewhere.reason), work)
        if change is not RecordChange.WRITTEN:
            return str(change)
        self._metrics.task_deferred(elsewhere.reason)
        if self._seldom.is_due(elsewhere.reason):
            log.warning("task_deferred", task_id=delivery.task_id, reason=elsewhere.reason)
        return DEFERRED


_CLAIM_ROW_BYTES: Final = 8
"""Of a row's customer id: they tell the rows apart that have one email."""
