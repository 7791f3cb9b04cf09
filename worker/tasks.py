"""The one Celery task: a doorway to the use case."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import structlog

from schemas.task_record import TASK_NAME
from worker.patience import ShuttingDownError, TransientError

if TYPE_CHECKING:
    from celery import Celery, Task

    from worker.create_customer import CreateCustomer
    from worker.leases import Leases

log = structlog.get_logger("worker.task")


def register_tasks(app: Celery, create_customer: CreateCustomer, leases: Leases) -> Any:
    """Register `customer.create` with the app and return it."""

    @app.task(  # type: ignore[untyped-decorator] # celery publishes no types
        name=TASK_NAME,
        bind=True,
        # FINISH has written the outcome where Celery's result backend looks for it; a second write could differ.
        ignore_result=True,
    )
    def customer_create(self: Task[Any, Any]) -> None:
        task_id: str = self.request.id
        delivery = secrets.token_hex(8)
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(task_id=task_id), leases.holding(task_id):
            try:
                word = create_customer.run(task_id, delivery=delivery)
            except ShuttingDownError:
                _give_back(create_customer, task_id, delivery)
                return
            except Exception as error:
                # It stays open: when its lease has run out the sweeper sends it again, with growing gaps, until the
                # starts are used up and it is parked. Celery must not see the error, since it would log its text.
                log.error("task_failed", exc_info=error)  # noqa: TRY400 - the log shows no exception's text
                return
            log.info("task", outcome=word, seconds=round(time.perf_counter() - started, 4))

    return customer_create


def _give_back(create_customer: CreateCustomer, task_id: str, delivery: str) -> None:
    try:
        create_customer.release(task_id, delivery=delivery)
    except TransientError:
        log.warning("start_stays_counted", dependency="broker")
    log.info("task", outcome="given_back")
