"""Reads what comes off the queue: a task's message, or something that does not belong there.

Whoever can reach Redis can put anything into the queue. Celery logs messages that it does not know, with arguments and
headers. So Celery gets to see no foreign message, and of a task's message only the id.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from schemas.ids import is_task_id
from schemas.protocol.lanes import SIGNUPS, Lane

LONGEST_BYTES: Final = 64 * 1024
"""The longest message that is parsed. A task's message has under a thousand bytes."""

TOO_LONG: Final = "too_long"
"""A message of more than `LONGEST_BYTES`."""

NOT_JSON: Final = "not_json"
"""A message that is not JSON."""

NOT_CELERY: Final = "not_celery"
"""JSON that is not a Celery message."""

OTHER_TASK: Final = "other_task"
"""A Celery message of another task."""

UNKNOWN_ID: Final = "unknown_id"
"""A message of ours without an id that the shim could have made."""

NO_THREAD: Final = "no_thread"
"""A message of ours, for which the system had no thread. The sweeper sends its task again."""

_NAME_OF_A_TASK: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}+(?:\.[A-Za-z_][A-Za-z0-9_]{0,63}+){1,8}+")
"""Dotted identifiers, as modules and functions have."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A message that does not belong to this service, or that cannot be worked on."""

    reason: str
    task: str | None = None
    """The name of the other task, if it looks like a name. It helps to find who sends to the wrong queue."""


def read_message(raw: bytes, lane: Lane = SIGNUPS) -> str | Foreign:
    """The id of the task that a message of this lane's queue is about."""
    if len(raw) > LONGEST_BYTES:
        return Foreign(TOO_LONG)
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return Foreign(NOT_JSON)
    headers = document.get("headers") if isinstance(document, dict) else None
    if not isinstance(headers, dict) or not isinstance(name := headers.get("task"), str):
        return Foreign(NOT_CELERY)
    if name != lane.task_name:
        return Foreign(OTHER_TASK, name if _NAME_OF_A_TASK.fullmatch(name) else None)
    task_id = headers.get("id")
    return task_id if isinstance(task_id, str) and is_task_id(task_id) else Foreign(UNKNOWN_ID)


def clean_message(task_id: str, lane: Lane = SIGNUPS) -> dict[str, Any]:
    """The message that Celery gets to see: the task's id, and the fields that kombu needs in any message."""
    return {
        "body": "",
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": lane.task_name, "id": task_id},
        "properties": {
            "delivery_tag": task_id,
            "delivery_info": {"exchange": "", "routing_key": lane.queue},
        },
    }
