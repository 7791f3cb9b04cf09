"""What spans say of messages, by OpenTelemetry's semantic conventions for messaging.

The names are those of version 1.45 of the conventions. Most are not stable yet, so they are written down here instead
of being imported: a new release of a package must not rename what dashboards ask for.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from schemas.protocol.lanes import Lane

MESSAGE_ID: Final = "messaging.message.id"
"""The id of a task or a batch."""
MESSAGE_COUNT: Final = "messaging.batch.message_count"
"""How many messages are sent or processed together."""

_SYSTEM: Final = "celery"
"""The conventions name no value for queues in Redis. The messages are Celery's."""


class Operation(StrEnum):
    """What is done with messages: the operation's name and its type alike."""

    SEND = "send"
    PROCESS = "process"


def span_name(operation: str, lane: Lane) -> str:
    """The name of a span about messages of this lane."""
    return f"{operation} {lane.queue}"


def of_operation(operation: Operation, lane: Lane) -> dict[str, str | int]:
    """What a span says that is one of the conventions' operations."""
    return {
        "messaging.system": _SYSTEM,
        "messaging.destination.name": lane.queue,
        "messaging.operation.name": operation.value,
        "messaging.operation.type": operation.value,
    }
