"""The two lanes of tasks: single signups, and the chunks of batches. A worker takes from the first lane first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.protocol.keys import OPEN_KEY, QUEUE, RESENT_KEY, SWEEPER_PLACE_KEY, TASK_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A Celery task with its queue, and the indexes by which the sweeper finds what was lost from that queue.

    Each lane has indexes of its own: the sweeper takes a task for lost that was sent before its queue's head.
    """

    task_name: str
    """The Celery task's name."""
    queue: str
    """The Celery queue, and so the Redis list that kombu keeps it in."""
    open_key: str
    """As `schemas.protocol.keys.OPEN_KEY`, for the tasks of this lane."""
    resent_key: str
    """As `RESENT_KEY`."""
    place_key: str
    """As `SWEEPER_PLACE_KEY`."""


SIGNUPS: Final = Lane(
    task_name=TASK_NAME,
    queue=QUEUE,
    open_key=OPEN_KEY,
    resent_key=RESENT_KEY,
    place_key=SWEEPER_PLACE_KEY,
)
"""Single signups: one task each."""

CHUNKS: Final = Lane(
    task_name="customer.create.batch",
    queue="customer.create.batch",
    open_key="intake:chunks:open",
    resent_key="intake:chunks:resent",
    place_key="intake:sweeper:chunks:place",
)
"""Chunks of batches, and parts of chunks."""

LANES: Final = (SIGNUPS, CHUNKS)
"""All lanes, in the order in which a worker takes from them."""
