"""Makes groups of the tasks that this worker has received. A thread of the pool works on each group."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from schemas.protocol.lanes import SIGNUPS
from schemas.protocol.steps.ending import RecordChange
from schemas.protocol.steps.working import Delivery, NotStarted
from worker.celery_tools.watching import GIVEN_BACK, UNWATCHED
from worker.customer.task_group import FAILED
from worker.dependencies.errors import GiveBackError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from worker.celery_tools.watching import TaskWatch
    from worker.customer.create_customer import CreateCustomer
    from worker.promise.leases import Leases
    from worker.traces import Traces, Work

log = structlog.get_logger("worker.task")


@dataclass(frozen=True, slots=True)
class _Received:
    """A task that the worker has taken off the queue."""

    delivery: Delivery
    acknowledge: Callable[[], object]
    """Frees one prefetch slot. Sends nothing to Redis (worker.consuming.transport)."""


class Groups:
    """Has groups of received tasks worked on. Thread-safe.

    A thread takes all tasks that wait, up to a bound, and does not wait for more. So a group is one task while there is
    little to do, and grows as the threads fall behind.
    """

    def __init__(
        self,
        create_customer: CreateCustomer,
        leases: Leases,
        *,
        put_back: Callable[[Sequence[str]], object],
        at_once: int,
        most_tasks: int,
        traces: Traces,
        watch: TaskWatch = UNWATCHED,
    ) -> None:
        """Work on up to `at_once` groups side by side, of up to `most_tasks` tasks each.

        `put_back` puts tasks back on the queue: see `TaskRecords.put_back`. `watch` is told of each task.
        """
        self._create_customer = create_customer
        self._put_back = put_back
        self._leases = leases
        self._at_once = at_once
        self._most_tasks = most_tasks
        self._traces = traces
        self._watch = watch
        self._lock = threading.Lock()
        self._waiting: deque[_Received] = deque()
        self._running = 0

    def add(
        self, task_id: str, *, acknowledge: Callable[[], object], run_in_pool: Callable[[Callable[[], None]], object]
    ) -> None:
        """Take in a task that was received. A thread that `run_in_pool` provides works on it soon.

        Raises:
            Exception: whatever `run_in_pool` raised. The task is let go. It is still open and is delivered again.
        """
        received = _Received(Delivery(task_id, secrets.token_hex(8)), acknowledge)
        self._leases.hold(received.delivery)
        self._watch.received(task_id, SIGNUPS.task_name)
        with self._lock:
            self._waiting.append(received)
            if self._running >= self._at_once:
                return
            self._running += 1
        try:
            run_in_pool(self._run_while_there_are)
        except Exception:
            # The system has no thread to spare. If its lease were renewed, the task would wait here for ever.
            with self._lock:
                self._running -= 1
                still_waits = received in self._waiting
                if still_waits:
                    self._waiting.remove(received)
            if still_waits:
                self._leases.let_go(received.delivery)
                self._watch.let_go([task_id])
                acknowledge()
            raise

    def put_back_waiting(self) -> None:
        """Put tasks that were received and not begun back on the queue, so that other workers get them."""
        with self._lock:
            waiting = [*self._waiting]
            self._waiting.clear()
        if not waiting:
            return
        for each in waiting:
            self._leases.let_go(each.delivery)
        self._watch.let_go([each.delivery.task_id for each in waiting])
        try:
            self._put_back([each.delivery.task_id for each in waiting])
        except Exception as error:
            log.warning("not_put_back", messages=len(waiting), exc_info=error)
        for each in waiting:
            each.acknowledge()

    def work(self, deliveries: Sequence[Delivery]) -> None:
        """Work on a group to its end. Afterwards each task has its outcome, was given back, or is delivered again."""
        with self._leases.holding(deliveries):
            started = time.perf_counter()
            work = self._traces.begin()
            self._watch.started([each.task_id for each in deliveries])
            try:
                endings = self._create_customer.run(deliveries, work)
            except GiveBackError:
                self._give_back(deliveries, started, work)
                work.end(((each, GIVEN_BACK) for each in deliveries), failures=[GIVEN_BACK])
                return
            except Exception:
                work.end(((each, FAILED) for each in deliveries), failures=[FAILED])
                raise
            for delivery, ending in zip(deliveries, endings, strict=True):
                if ending != NotStarted.ALONE:
                    # Before tasks of this group that run alone: as long as its lease is renewed, a deferred or failed
                    # task is not sent again.
                    self._leases.let_go(delivery)
                    self._ended(delivery, ending, started, work)
            work.end(zip(deliveries, endings, strict=True), failures=[FAILED])
            for delivery, ending in zip(deliveries, endings, strict=True):
                if ending == NotStarted.ALONE:
                    self._work_alone(delivery)

    def _work_alone(self, delivery: Delivery) -> None:
        started = time.perf_counter()
        work = self._traces.begin()
        try:
            ending = self._create_customer.run_alone(delivery, work)
        except GiveBackError:
            self._give_back([delivery], started, work)
            work.end([(delivery, GIVEN_BACK)], failures=[GIVEN_BACK])
        except Exception:
            work.end([(delivery, FAILED)], failures=[FAILED])
            raise
        else:
            self._ended(delivery, ending, started, work)
            work.end([(delivery, ending)], failures=[FAILED])

    def _ended(self, delivery: Delivery, ending: str, started: float, work: Work) -> None:
        seconds = round(time.perf_counter() - started, 4)
        log.info("task", task_id=delivery.task_id, outcome=ending, seconds=seconds, **work.fields(delivery))
        self._watch.ended(delivery.task_id, ending, seconds)

    def _run_while_there_are(self) -> None:
        while group := self._next_group():
            try:
                self.work([each.delivery for each in group])
            except Exception as error:
                # The tasks stay open and their leases run out. Celery must not see the error: it would log its text.
                log.error("group_failed", exc_info=error)  # noqa: TRY400 - the log shows no exception's text
                for each in group:
                    self._watch.ended(each.delivery.task_id, FAILED, 0.0)
            for each in group:
                each.acknowledge()

    def _next_group(self) -> list[_Received]:
        with self._lock:
            group = [self._waiting.popleft() for _ in range(min(self._most_tasks, len(self._waiting)))]
            if not group:
                self._running -= 1
            return group

    def _give_back(self, deliveries: Sequence[Delivery], started: float, work: Work) -> None:
        # The first one received becomes the queue's head again.
        for delivery in reversed(deliveries):
            # Before the release: a task that is in the queue again has no lease.
            self._leases.let_go(delivery)
            self._watch.ended(delivery.task_id, GIVEN_BACK, round(time.perf_counter() - started, 4))
            try:
                released = self._create_customer.release(delivery)
            except Exception as error:
                log.warning("start_stays_counted", task_id=delivery.task_id, exc_info=error)
                continue
            outcome = GIVEN_BACK if released is RecordChange.WRITTEN else str(released)
            log.info("task", task_id=delivery.task_id, outcome=outcome, **work.fields(delivery))
