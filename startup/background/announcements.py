"""This process' word that it runs, and what it does."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.steps import overseeing
from startup.background.vital_task import VitalTask
from startup.identity import ANNOUNCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from schemas.protocol.call import Call
    from schemas.protocol.overview import Details

_LEAVE_SECONDS: Final = 2.0
"""How long a process that ends waits at most for Redis to hear of it. One that Redis did not hear of falls silent."""


class Announcements:
    """Says that the process runs, from `start` to `close`."""

    def __init__(
        self,
        run: Callable[[Call[Any]], Awaitable[Any]],
        *,
        away: type[Exception],
        name: str,
        details: Callable[[], Details],
    ) -> None:
        """Nothing is sent before `start`.

        Args:
            run: makes a call to Redis. It counts or logs what goes wrong.
            away: what `run` raises where Redis is away or refuses. The next announcement is soon enough.
            name: the process' random name.
            details: says what the process does now.
        """
        self._run_call = run
        self._away = away
        self._name = name
        self._details = details
        self.task = VitalTask("announcements", self._run)

    def start(self) -> None:
        """Begin to announce."""
        self.task.start()

    async def close(self) -> None:
        """Say that the process has ended, where Redis can be reached."""
        await self.task.close()
        with suppress(self._away, TimeoutError):
            async with asyncio.timeout(_LEAVE_SECONDS):
                await self._run_call(overseeing.leave(self._name))

    async def _run(self) -> None:
        while True:
            with suppress(self._away):
                await self._run_call(overseeing.announce(self._name, self._details()))
            await asyncio.sleep(ANNOUNCE_SECONDS)
