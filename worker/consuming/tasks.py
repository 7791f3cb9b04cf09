"""The one Celery task: a doorway to the use case, for a group of messages at a time."""

from __future__ import annotations

import logging
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import Task

from schemas.protocol.keys import TASK_NAME
from schemas.protocol.steps.working import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery
    from celery.worker.consumer import Consumer
    from kombu import Message

    from worker.consuming.groups import Groups

log = logging.getLogger("worker.task")
"""For what kombu logs."""


def register_tasks(app: Celery, groups: Groups) -> Task[Any, Any]:
    """Register `customer.create` with the app and return it."""

    class GroupedTask(Task):  # type: ignore[misc] # celery publishes no types
        """A task whose messages are worked in groups.

        `Strategy` is Celery's extension point for what becomes of a received message (celery.worker.strategy; the
        package celery-batches uses it alike). Celery's own makes a request object of each message, traces it and sends
        signals for it: two thirds of a millisecond a task, for what the task's record knows better.
        """

        def Strategy(self, _task: object, _app: Celery, consumer: Consumer) -> Callable[..., None]:  # noqa: N802 - Celery's name
            def on_message(message: Message, _body: object, *_acknowledge_reject_callbacks: object) -> None:
                groups.add(
                    message.headers["id"],
                    acknowledge=partial(_acknowledge, message, consumer),
                    run_in_pool=lambda job: consumer.pool.apply_async(_run, (job,)),
                )

            return on_message

    @app.task(  # type: ignore[untyped-decorator] # celery publishes no types
        name=TASK_NAME,
        base=GroupedTask,
        bind=True,
        # FINISH has written the outcome where Celery's result backend looks for it; a second write could differ.
        ignore_result=True,
    )
    def customer_create(self: Task[Any, Any]) -> None:
        """Called by itself (`apply`), it is a group of one."""
        groups.work([Delivery(self.request.id, secrets.token_hex(8))])

    return customer_create


def _run(job: Callable[[], None]) -> None:
    job()


def _acknowledge(message: Message, consumer: Consumer) -> None:
    # Celery has its event loop do it, which is woken for each; but any thread may (kombu.transport.virtual.QoS), and
    # the loop need only know when it has stopped asking for messages because this worker had its fill.
    message.ack_log_error(log, consumer.connection_errors)
    if not message.channel.is_asking:
        consumer.call_soon(_nothing)


def _nothing() -> None:
    """The loop turns once, and sees that there is room again."""
