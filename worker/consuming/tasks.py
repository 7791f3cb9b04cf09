"""The Celery tasks: doorways to the use cases."""

from __future__ import annotations

import logging
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import Task

from schemas.protocol.lanes import CHUNKS, SIGNUPS
from schemas.protocol.steps.working import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery
    from celery.worker.consumer import Consumer
    from kombu import Message

    from worker.consuming.chunks import Chunks
    from worker.consuming.groups import Groups

log = logging.getLogger("worker.task")
"""Given to kombu, which logs failed acknowledgements there."""


def register_tasks(app: Celery, groups: Groups) -> Task[Any, Any]:
    """Register `customer.create` with the app and return it."""

    class GroupedTask(Task):  # type: ignore[misc] # celery publishes no types
        """A task whose messages are worked in groups.

        `Strategy` is Celery's extension point for received messages (celery.worker.strategy). The package
        celery-batches uses it in the same way. Celery's own strategy makes a request object for each message, traces it
        and sends signals. That costs two thirds of a millisecond a task, and the task's record knows all of it better.
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
        name=SIGNUPS.task_name,
        base=GroupedTask,
        bind=True,
        # FINISH has written the outcome to the key of Celery's result backend. A second write could differ.
        ignore_result=True,
    )
    def customer_create(self: Task[Any, Any]) -> None:
        """Work on one task as a group of its own, for `apply`."""
        groups.work([Delivery(self.request.id, secrets.token_hex(8))])

    return customer_create


def register_chunk_tasks(app: Celery, chunks: Chunks) -> Task[Any, Any]:
    """Register `customer.create.batch` with the app and return it."""

    class ChunkTask(Task):  # type: ignore[misc] # celery publishes no types
        """A task whose messages go to threads of their own; see `register_tasks`.

        The message is acknowledged at once, which sends nothing to Redis. The prefetch limit is for signups: with a low
        one the worker would take none while it works on a chunk. `Chunks.room` bounds the chunks.
        """

        def Strategy(self, _task: object, _app: Celery, consumer: Consumer) -> Callable[..., None]:  # noqa: N802 - Celery's name
            def on_message(message: Message, _body: object, *_acknowledge_reject_callbacks: object) -> None:
                message.ack_log_error(log, consumer.connection_errors)
                chunks.add(message.headers["id"])

            return on_message

    @app.task(  # type: ignore[untyped-decorator] # celery publishes no types
        name=CHUNKS.task_name, base=ChunkTask, bind=True, ignore_result=True
    )
    def customer_create_batch(self: Task[Any, Any]) -> None:
        """Work on one chunk, for `apply`."""
        chunks.work(Delivery(self.request.id, secrets.token_hex(8)))

    return customer_create_batch


def _run(job: Callable[[], None]) -> None:
    job()


def _acknowledge(message: Message, consumer: Consumer) -> None:
    # Celery leaves this to its event loop and wakes the loop for each message. Any thread may acknowledge
    # (kombu.transport.virtual.QoS). The loop must be woken only if it has stopped asking for messages because the
    # worker had as many as it may have.
    message.ack_log_error(log, consumer.connection_errors)
    if not message.channel.is_asking:
        consumer.call_soon(_nothing)


def _nothing() -> None:
    """Make the loop turn once, so that it notices that there is room again."""
