"""Has received chunks worked on, in threads of their own: a chunk takes seconds, and signups must not wait for it."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

import structlog

from schemas.protocol.lanes import CHUNKS
from schemas.protocol.steps.ending import RecordChange
from schemas.protocol.steps.working import Delivery, NotStarted
from worker.celery_tools.watching import GIVEN_BACK, UNWATCHED
from worker.customer.task_group import FAILED
from worker.dependencies.errors import GiveBackError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from worker.celery_tools.watching import TaskWatch
    from worker.customer.create_rows import CreateRows
    from worker.promise.leases import Leases
    from worker.traces import Traces, Work

_AHEAD: Final = 1
"""Chunks that are held beside those that are worked on, so that a thread need not wait for the next one."""

log = structlog.get_logger("worker.chunk")


class Chunks:
    """Works on chunks, a few at a time. Thread-safe."""

    def __init__(
        self,
        create_rows: CreateRows,
        leases: Leases,
        *,
        put_back: Callable[[Sequence[str]], object],
        at_once: int,
        stopping: threading.Event,
        traces: Traces,
        watch: TaskWatch = UNWATCHED,
    ) -> None:
        """Work on up to `at_once` chunks side by side.

        `put_back` puts chunks back on their queue. `stopping` is set when the worker begins to stop: no chunk is begun
        after that. `watch` is told of each chunk.
        """
        self._create_rows = create_rows
        self._leases = leases
        self._put_back = put_back
        self._most = at_once + _AHEAD
        self._at_once = at_once
        self._stopping = stopping
        self._traces = traces
        self._watch = watch
        self._changed = threading.Condition()
        self._waiting: deque[Delivery] = deque()
        self._working = 0
        self._threads = 0

    def count(self) -> int:
        """How many chunks are held."""
        return len(self._waiting) + self._working

    @property
    def room(self) -> int:
        """How many further chunks may be taken off the queue."""
        return self._most - self.count()

    def add(self, task_id: str) -> None:
        """Take in a chunk that was received. A thread works on it soon.

        Raises:
            RuntimeError: the system has no thread to spare. The chunk is let go. It is still open and is delivered
                again.
        """
        delivery = Delivery(task_id, secrets.token_hex(8))
        with self._changed:
            if self._threads < self._at_once:
                threading.Thread(target=self._work, name=f"chunk_{self._threads}", daemon=True).start()
                self._threads += 1
            self._leases.hold(delivery)
            self._watch.received(task_id, CHUNKS.task_name)
            self._waiting.append(delivery)
            self._changed.notify()

    def put_back_waiting(self) -> None:
        """Put chunks that were received and not begun back on the queue, so that other workers get them."""
        with self._changed:
            waiting = [*self._waiting]
            self._waiting.clear()
        if not waiting:
            return
        for delivery in waiting:
            self._leases.let_go(delivery)
        self._watch.let_go([delivery.task_id for delivery in waiting])
        try:
            self._put_back([delivery.task_id for delivery in waiting])
        except Exception as error:
            log.warning("not_put_back", messages=len(waiting), exc_info=error)

    def join(self, *, seconds: float) -> None:
        """Wait until no chunk is worked on, or until the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: not self._working, timeout=seconds)

    def work(self, delivery: Delivery) -> None:
        """Work on a chunk to its end. Afterwards it has its outcomes, was given back, or is delivered again."""
        started = time.perf_counter()
        work = self._traces.begin()
        with self._leases.holding([delivery]):
            self._watch.started([delivery.task_id])
            try:
                ending = self._create_rows.run(delivery, work)
                if ending == NotStarted.ALONE:
                    ending = self._create_rows.run_alone(delivery, work)
            except GiveBackError:
                self._watch.ended(delivery.task_id, GIVEN_BACK, time.perf_counter() - started)
                self._give_back(delivery, work)
                work.end([(delivery, GIVEN_BACK)], failures=[GIVEN_BACK])
                return
            except Exception:
                work.end([(delivery, FAILED)], failures=[FAILED])
                raise
        seconds = round(time.perf_counter() - started, 4)
        log.info("chunk", task_id=delivery.task_id, outcome=ending, seconds=seconds, **work.fields(delivery))
        self._watch.ended(delivery.task_id, ending, seconds)
        work.end([(delivery, ending)], failures=[FAILED])

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting and not self._stopping.is_set())
                delivery = self._waiting.popleft()
                self._working += 1
            try:
                self.work(delivery)
            except Exception as error:
                # The chunk stays open and its lease runs out.
                log.error("chunk_failed", task_id=delivery.task_id, exc_info=error)  # noqa: TRY400 - the log shows no exception's text
                self._watch.ended(delivery.task_id, FAILED, 0.0)
            finally:
                with self._changed:
                    self._working -= 1
                    self._changed.notify_all()

    def _give_back(self, delivery: Delivery, work: Work) -> None:
        # Before the release: a chunk that is in the queue again has no lease.
        self._leases.let_go(delivery)
        try:
            released = self._create_rows.release(delivery)
        except Exception as error:
            log.warning("start_stays_counted", task_id=delivery.task_id, exc_info=error)
            return
        outcome = GIVEN_BACK if released is RecordChange.WRITTEN else str(released)
        log.info("chunk", task_id=delivery.task_id, outcome=outcome, **work.fields(delivery))
