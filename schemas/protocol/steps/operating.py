"""An operator's steps for dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.protocol.keys import DEAD_KEY, OPEN_KEY, QUEUE, RESENT_KEY, record_key, result_key
from schemas.protocol.lua_files import load_script
from schemas.protocol.steps.ending import RecordChange

if TYPE_CHECKING:
    from schemas.protocol.call import Call, Script

_REQUEUE: Final[Script] = load_script("requeue")
"""The script that sends a dead letter again."""
_DROP: Final[Script] = load_script("drop")
"""The script that deletes a dead letter."""
_REQUEUE_CHUNK: Final[Script] = load_script("requeue_chunk")
"""The script that sends a dead letter of a batch again."""
_DROP_CHUNK: Final[Script] = load_script("drop_chunk")
"""The script that deletes a dead letter of a batch."""


def requeue(task_id: str, *, message: bytes) -> Call[RecordChange]:
    """Put a dead letter on the queue again, its starts forgotten. `message` is the task's Celery message."""
    return _REQUEUE.call(
        RecordChange.of_reply,
        keys={
            "record_key": record_key(task_id),
            "open_tasks": OPEN_KEY,
            "dead_letters": DEAD_KEY,
            "queue": QUEUE,
            "result_key": result_key(task_id),
            "resent": RESENT_KEY,
        },
        arguments={"task_id": task_id, "message": message},
    )


def drop(task_id: str) -> Call[RecordChange]:
    """Forget a dead letter and its request for good."""
    return _DROP.call(
        RecordChange.of_reply,
        keys={"record_key": record_key(task_id), "dead_letters": DEAD_KEY, "result_key": result_key(task_id)},
        arguments={"task_id": task_id},
    )


def requeue_chunk(task_id: str, *, message: bytes) -> Call[RecordChange]:
    """Do as `requeue` for a dead letter that is a chunk or a part: its record has the field `ChunkField.ROWS`."""
    return _REQUEUE_CHUNK.call(
        RecordChange.of_reply,
        keys={"record_key": record_key(task_id)},
        arguments={"task_id": task_id, "message": message},
    )


def drop_chunk(task_id: str) -> Call[RecordChange]:
    """Do as `drop` for such a dead letter. Its rows keep the outcome `internal_error`."""
    return _DROP_CHUNK.call(
        RecordChange.of_reply, keys={"record_key": record_key(task_id)}, arguments={"task_id": task_id}
    )
