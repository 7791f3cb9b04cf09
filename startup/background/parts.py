"""Starts and closes the parts of a process that run in its background."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Part(Protocol):
    """What runs between `start` and `close`."""

    def start(self) -> None:
        """Begin; needs a running event loop."""
        ...

    async def close(self) -> None:
        """End, also where `start` has failed."""
        ...


@asynccontextmanager
async def running(*parts: Part) -> AsyncIterator[None]:
    """Run these parts inside this block. Each may use those before it.

    They are started in this order and closed in reverse order. If a part cannot be started or closed, the others that
    were started are closed all the same, and its exception is raised.
    """
    async with AsyncExitStack() as opened:
        for part in parts:
            opened.push_async_callback(part.close)
            part.start()
        yield
