"""The Celery message of a task: rendered once by Celery itself, then only its id is filled in.

The message carries nothing but the task id: no arguments, so nothing of Celery's (events, logs, `inspect`) can show a
request, and one message differs from the next in its id alone. No wire format is written by hand here: Celery publishes
into a channel that captures what kombu's Redis transport would push, and the placeholder id is replaced.
"""

from __future__ import annotations

from typing import Any, Final

from celery import Celery
from kombu import Connection, Exchange, Queue
from kombu.transport import virtual
from kombu.utils.json import dumps

from schemas.ids import TASK_ID_LENGTH
from schemas.protocol.keys import QUEUE, TASK_NAME

PLACEHOLDER_ID: Final = "0" * (TASK_ID_LENGTH - 11) + "PLACEHOLDER"


def celery_routing() -> dict[str, Any]:
    """Celery settings that producer and consumer must share: one queue, reached by its name alone, JSON only."""
    return {
        "task_queues": [queue()],
        "task_default_queue": QUEUE,
        # The default exchange needs no binding table in Redis, so a Redis that lost its data still routes.
        "task_default_exchange": "",
        "task_default_exchange_type": "direct",
        "task_default_routing_key": QUEUE,
        "task_create_missing_queues": False,
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "result_accept_content": ["json"],
        "enable_utc": True,
        "timezone": "UTC",
    }


def queue() -> Queue:
    """The one queue."""
    return Queue(QUEUE, exchange=Exchange("", type="direct"), routing_key=QUEUE)


class MessageTemplate:
    """Makes the message of any task id."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts = render_message().split(PLACEHOLDER_ID.encode())

    def message(self, task_id: str) -> bytes:
        """What stands in the queue for this task."""
        return task_id.encode().join(self._parts)


def render_message() -> bytes:
    """The message with `PLACEHOLDER_ID` wherever the task id belongs."""
    app = Celery("customer-intake", set_as_current=False)
    app.conf.update(celery_routing())
    message = app.amqp.as_task_v2(
        PLACEHOLDER_ID,
        TASK_NAME,
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

        # The delivery tag is the task id too: nothing in the message is then but the id.
        def _next_delivery_tag(self) -> str:
            return PLACEHOLDER_ID

        def _put(self, queue: str, message: dict[str, Any], **_: object) -> None:
            if queue == QUEUE:
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
        app.amqp.send_task_message(producer, TASK_NAME, message, queue=queue(), declare=[], retry=False)
    (rendered,) = captured
    return rendered
