"""A task of the event loop without which this process serves nobody well."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from startup.background.ending import cancel_until_ended

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

log = structlog.get_logger("startup.background.vital_task")


class VitalTask:
    """Runs from `start` to `close`. If it ends in between, that is logged, and `alive` is false from then on."""

    def __init__(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.name = name
        """The name by which the health probe and the log call it."""
        self._run = run
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._task = asyncio.create_task(self._run(), name=self.name)
        self._task.add_done_callback(self._on_end)

    async def close(self) -> None:
        """End it."""
        self._closing = True
        if self._task is not None:
            await cancel_until_ended([self._task])

    def _on_end(self, task: asyncio.Task[None]) -> None:
        # The exception is always retrieved, because asyncio would otherwise write its text to the log.
        error = None if task.cancelled() else task.exception()
        if not self._closing:
            log.error("task_died", task=self.name, exc_info=error)
