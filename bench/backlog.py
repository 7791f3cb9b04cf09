"""Fills a Redis with tasks, by the steps that a shim and a worker send."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from schemas.protocol.message import MessageTemplate
from schemas.protocol.steps.accepting import accept
from startup.broker.calls import send

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import redis

    from schemas.protocol.call import Call

T = TypeVar("T")

_BATCH: Final = 1000
"""Tasks in one pipeline."""

_SEALED: Final = b"s" * 900
"""As long as the sealed example request, so that a task takes as much memory as a real one."""


def accept_all(client: redis.Redis, task_ids: Iterable[str]) -> None:
    """Let these tasks wait."""
    messages = MessageTemplate()
    run_all(
        client,
        (
            accept(
                task_id=task_id,
                fingerprint="f" * 43,
                sealed=_SEALED,
                caller="bench",
                message=messages.message(task_id),
                most_open=0,
                rate_per_second=0,
                rate_burst=0,
            ).with_deadline(0)
            for task_id in task_ids
        ),
    )


def run_all(client: redis.Redis, calls: Iterable[Call[Any]]) -> None:
    """Send these calls, many at a time.

    Raises:
        redis.RedisError: one of them failed.
    """
    for batch in batches(calls):
        for reply in send(client, batch):
            if isinstance(reply, Exception):
                raise reply


def batches(each: Iterable[T]) -> Iterator[list[T]]:
    """So many of them at a time as fit into one pipeline."""
    rest = iter(each)
    while batch := list(islice(rest, _BATCH)):
        yield batch
