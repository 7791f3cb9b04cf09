"""Ends tasks of an event loop for certain."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_CANCEL_SECONDS: Final = 1.0
"""How long a task may take to end that was canceled, before it is canceled again."""


async def cancel_until_ended(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel the tasks until all have ended.

    Once is not enough. Before Python 3.12 `asyncio.wait_for`, in which redis-py writes, swallows a cancellation that
    comes together with the result. Before 3.13 an `asyncio.TaskGroup` swallows one that comes together with an error.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_CANCEL_SECONDS)
