"""This process' word that it runs, and what it does."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from api_shim.broker.broker_errors import BrokerUnavailableError
from schemas.protocol.steps import overseeing
from startup.background.vital_task import VitalTask
from startup.identity import ANNOUNCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from api_shim.broker.redis_calls import RedisCalls
    from schemas.protocol.overview import Details


class Announcements:
    """Says that the process runs, from `start` to `close`."""

    def __init__(self, calls: RedisCalls, *, name: str, details: Callable[[], Details]) -> None:
        """`name` is the process' random name, and `details` says what it does now."""
        self._calls = calls
        self._name = name
        self._details = details
        self.task = VitalTask("announcements", self._run)

    def start(self) -> None:
        """Begin to announce."""
        self.task.start()

    async def close(self) -> None:
        """Say that the process has ended, where Redis can be reached."""
        await self.task.close()
        with suppress(BrokerUnavailableError):
            await self._calls.run(overseeing.leave(self._name))

    async def _run(self) -> None:
        while True:
            # RedisCalls has counted and logged the failure already.
            with suppress(BrokerUnavailableError):
                await self._calls.run(overseeing.announce(self._name, self._details()))
            await asyncio.sleep(ANNOUNCE_SECONDS)
