"""Makes one call for all who ask at the same time, so that many viewers cost what one costs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Reply = TypeVar("Reply")

_REST: Final = 2.0
"""After a call comes a rest of so many times its length. A call that takes nothing is thus never waited for."""


class OneForAll(Generic[Reply]):
    """A call that is costly, and that many viewers may ask for at once.

    Everybody gets a reply to a call that began after they had asked. So whoever has just changed something sees it.
    """

    def __init__(self, make: Callable[[], Awaitable[Reply]]) -> None:
        """`make` makes the call."""
        self._make = make
        self._next: asyncio.Task[Reply] | None = None
        self._making = asyncio.Lock()
        self._rests_until = 0.0

    async def reply(self) -> Reply:
        """The reply to the next call. Raises what the call raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._call())
        # Somebody who leaves must not end the call for the others.
        return await asyncio.shield(self._next)

    async def _call(self) -> Reply:
        clock = asyncio.get_running_loop().time
        async with self._making:
            await asyncio.sleep(self._rests_until - clock())
            # Whoever asks from now on gets the call after this one.
            self._next = None
            began = clock()
            try:
                return await self._make()
            finally:
                self._rests_until = clock() + _REST * (clock() - began)
