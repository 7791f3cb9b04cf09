"""The Celery message of a task. Celery renders it once a lane; for each task only the id is filled in.

The message has no arguments, so that Celery's events, logs and `inspect` cannot show a request. Two messages of a lane
differ in their task ids alone. No wire format is written by hand: Celery publishes a message with a placeholder for the
id into a channel that captures what kombu's Redis transport would push.
"""

from __future__ import annotations

from typing import Any, Final

from celery import Celery
from kombu import Connection, Exchange, Queue
from kombu.transport import virtual
from kombu.utils.json import dumps

from schemas.ids import TASK_ID_LENGTH
from schemas.protocol.lanes import LANES, SIGNUPS, Lane

PLACEHOLDER_ID: Final = "0" * (TASK_ID_LENGTH - 11) + "PLACEHOLDER"
"""Stands for the task id. It is as long as one, and no task has it."""


def celery_routing() -> dict[str, Any]:
    """The Celery settings that producer and consumer share: a queue a lane, reached by its name, and JSON only."""
    return {
        "task_queues": [queue(lane) for lane in LANES],
        "task_default_queue": SIGNUPS.queue,
        # The default exchange needs no binding table in Redis. So a Redis that lost its data still routes messages.
        "task_default_exchange": "",
        "task_default_exchange_type": "direct",
        "task_default_routing_key": SIGNUPS.queue,
        "task_create_missing_queues": False,
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "result_accept_content": ["json"],
        "enable_utc": True,
        "timezone": "UTC",
    }


def queue(lane: Lane = SIGNUPS) -> Queue:
    """The lane's queue, as kombu declares it."""
    return Queue(lane.queue, exchange=Exchange("", type="direct"), routing_key=lane.queue)


class MessageTemplate:
    """Makes the message of any task id of a lane."""

    __slots__ = ("_parts",)

    def __init__(self, lane: Lane = SIGNUPS) -> None:
        self._parts = render_message(lane).split(PLACEHOLDER_ID.encode())

    def message(self, task_id: str) -> bytes:
        """The message of this task, as the queue holds it."""
        return task_id.encode().join(self._parts)


def render_message(lane: Lane = SIGNUPS) -> bytes:
    """A message of the lane with `PLACEHOLDER_ID` in every place of the task id."""
    app = Celery("customer-intake", set_as_current=False)
    app.conf.update(celery_routing())
    message = app.amqp.as_task_v2(
        PLACEHOLDER_ID,
        lane.task_name,
        args=(),
        kwargs={},
        argsrepr="()",
        kwargsrepr="{}",
        ignore_result=True,
        origin="customer-intake",
    )
    captured: list[bytes] = []

    class CapturingChannel(virtual.Channel):
        do_restore = False

        # The delivery tag is the task id too, so that nothing else in the message is its own.
        def _next_delivery_tag(self) -> str:
            return PLACEHOLDER_ID

        def _put(self, queue: str, message: dict[str, Any], **_: object) -> None:
            if queue == lane.queue:
                captured.append(dumps(message).encode())

        def _new_queue(self, *_: object, **__: object) -> None:
            """There is no server to tell."""

        def _size(self, _queue: str) -> int:
            return 0

        def _purge(self, _queue: str) -> int:
            return 0

    class CapturingTransport(virtual.Transport):
        Channel = CapturingChannel
        driver_type = "capture"
        driver_name = "capture"

        def driver_version(self) -> str:
            return "0"

    with Connection(transport=CapturingTransport) as connection:
        producer = app.amqp.Producer(connection, auto_declare=False)
        app.amqp.send_task_message(producer, lane.task_name, message, queue=queue(lane), declare=[], retry=False)
    (rendered,) = captured
    return rendered
