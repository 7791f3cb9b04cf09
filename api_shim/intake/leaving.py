"""Whether a client leaves while its call waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    UntilLeft = Callable[[], Coroutine[Any, Any, NoReturn]]


class Leaving:
    """Watches a client from the first `look` on. Watching costs a task of the event loop."""

    def __init__(self, until_left: UntilLeft, on_left: Callable[[], None]) -> None:
        """`until_left` raises when the client has left; `on_left` is then called."""
        self._until_left = until_left
        self._on_left = on_left
        self._task: asyncio.Task[NoReturn] | None = None

    @property
    def is_watched(self) -> bool:
        """Whether the watch has begun."""
        return self._task is not None

    def look(self) -> None:
        """Begin to watch. Once the client has left, further calls raise what `until_left` raised."""
        if self._task is None:
            self._task = asyncio.create_task(self._until_left())
            self._task.add_done_callback(self._tell)
        elif self._task.done():
            self._task.result()

    def close(self) -> None:
        """End the watch."""
        if self._task is not None:
            self._task.cancel()

    def _tell(self, task: asyncio.Task[NoReturn]) -> None:
        if not task.cancelled():
            task.exception()  # or asyncio would log that nobody asked
            self._on_left()
