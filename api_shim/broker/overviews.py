"""This process' newest overview of the service, and its part in the samples of the counts."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from api_shim.broker.broker_errors import BrokerUnavailableError
from schemas.protocol.steps import overseeing
from schemas.protocol.steps.pausing import Paused
from startup.background.vital_task import VitalTask
from startup.identity import SAMPLE_SECONDS

if TYPE_CHECKING:
    from api_shim.broker.redis_calls import RedisCalls
    from schemas.protocol.overview import Overview

_FRESH_SECONDS: Final = 1.0
"""An overview that is younger is not read again, however many ask."""

_UNASKED_SECONDS: Final = 5.0
"""Where nobody asks, an overview is read so often, so that whoever asks next finds a rate."""


class Overviews:
    """Reads an overview once a second at the most, from `start` to `close`."""

    def __init__(self, calls: RedisCalls) -> None:
        self._calls = calls
        self._newest: Overview | None = None
        self._read_at = -math.inf
        """When the newest was read, by the event loop's clock."""
        self._reading: asyncio.Future[Overview] | None = None
        self._asked = False
        self.task = VitalTask("overviews", self._run)

    def start(self) -> None:
        """Begin to sample, and to keep an overview."""
        self.task.start()

    async def close(self) -> None:
        """Sample no more."""
        await self.task.close()

    async def fresh(self) -> Overview:
        """An overview of this second. Calls that ask at once share one.

        Raises:
            BrokerUnavailableError: Redis cannot be asked.
        """
        if self._newest is not None and self._age_seconds < _FRESH_SECONDS:
            return self._newest
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read())
            self._reading.add_done_callback(self._end_reading)
        # Whoever leaves must not end the call of the others.
        return await asyncio.shield(self._reading)

    def seconds_left(self, before: int | None) -> float | None:
        """How long a task takes still, by the newest overview; asks Redis nothing. None where that is not known.

        Args:
            before: how many open tasks were sent before it; None where that is not known.
        """
        self._asked = True
        if before is None or self._newest is None or self._age_seconds > 2 * _UNASKED_SECONDS:
            return None
        if self._newest.pause.what is Paused.ALL:
            return None  # the rate is that of before, and nobody knows when the operator resumes
        rate = self._newest.signups_per_second
        return before / rate if rate else None

    @property
    def _age_seconds(self) -> float:
        return asyncio.get_running_loop().time() - self._read_at

    async def _run(self) -> None:
        while True:
            # RedisCalls has counted and logged the failure already.
            with suppress(BrokerUnavailableError):
                await self._calls.run(overseeing.sample())
                if self._asked or self._age_seconds >= _UNASKED_SECONDS:
                    self._asked = False
                    await self.fresh()
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _read(self) -> Overview:
        overview = await self._calls.read(overseeing.read_overview())
        self._newest, self._read_at = overview, asyncio.get_running_loop().time()
        return overview

    def _end_reading(self, reading: asyncio.Future[Overview]) -> None:
        self._reading = None
        # An exception that nobody waits for any more must not be told of.
        if not reading.cancelled():
            reading.exception()
