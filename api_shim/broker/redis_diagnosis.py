"""Finds out why no connection to Redis can be made where the failure itself does not tell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from startup.broker.redis_refusals import TABLE
from startup.broker.tls_faults import ask_why
from startup.seldom import Seldom

if TYPE_CHECKING:
    from collections.abc import Callable

    from startup.broker.redis_refusals import Refusal
    from startup.broker.redis_url import RedisUrl

_EVERY_SECONDS: Final = 10.0
"""How often the server is asked at most. Each time is a connection, and a line in its log."""


class RedisDiagnosis:
    """Asks the server in a thread, beside the calls: they go on trying meanwhile."""

    def __init__(self, url: RedisUrl, *, on_found: Callable[[Refusal], None]) -> None:
        """`on_found` gets the reason, where one is found."""
        self._url = url
        self._on_found = on_found
        self._seldom = Seldom(every_seconds=_EVERY_SECONDS)
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Ask, unless that was done some seconds ago."""
        if (self._task is None or self._task.done()) and self._seldom.is_due("ask"):
            self._task = asyncio.create_task(self._ask())

    async def close(self) -> None:
        """Give up a question that is still out."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask(self) -> None:
        fault = await asyncio.to_thread(ask_why, self._url)
        if fault is not None:
            self._on_found(TABLE[fault])
