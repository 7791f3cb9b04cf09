"""What is taken off the queue: a task's message, or something that does not belong there.

Whoever can reach Redis can put anything into the queue, and Celery logs what it does not know whole, arguments and
headers included. So no foreign message gets as far as Celery, and of a task's own only its id does.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from schemas.ids import is_task_id
from schemas.protocol.keys import QUEUE, TASK_NAME

LONGEST_BYTES: Final = 64 * 1024
"""A task's message has under a thousand; what is longer is not even parsed."""

TOO_LONG: Final = "too_long"
NOT_JSON: Final = "not_json"
NOT_CELERY: Final = "not_celery"
OTHER_TASK: Final = "other_task"
UNKNOWN_ID: Final = "unknown_id"
NO_THREAD: Final = "no_thread"
"""One of ours, which the system had no thread for; the sweeper sends it again."""

REASONS: Final = (TOO_LONG, NOT_JSON, NOT_CELERY, OTHER_TASK, UNKNOWN_ID, NO_THREAD)

_NAME_OF_A_TASK: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}+(?:\.[A-Za-z_][A-Za-z0-9_]{0,63}+){1,8}+")
"""Dotted identifiers, as modules and functions have."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A message that is none of ours."""

    reason: str
    task: str | None = None
    """The other task's name, where it looks like one: it leads to whoever sends to the wrong queue."""


def read_message(raw: bytes) -> str | Foreign:
    """The id of the task that the message is about."""
    if len(raw) > LONGEST_BYTES:
        return Foreign(TOO_LONG)
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return Foreign(NOT_JSON)
    headers = document.get("headers") if isinstance(document, dict) else None
    if not isinstance(headers, dict) or not isinstance(name := headers.get("task"), str):
        return Foreign(NOT_CELERY)
    if name != TASK_NAME:
        return Foreign(OTHER_TASK, name if _NAME_OF_A_TASK.fullmatch(name) else None)
    task_id = headers.get("id")
    return task_id if isinstance(task_id, str) and is_task_id(task_id) else Foreign(UNKNOWN_ID)


def clean_message(task_id: str) -> dict[str, Any]:
    """What Celery gets to see: the id, and of everything else what kombu asks of any message."""
    return {
        "body": "",
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": TASK_NAME, "id": task_id},
        "properties": {
            "delivery_tag": task_id,
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
        },
    }
