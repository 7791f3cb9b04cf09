"""Hears of new events, so that they are sent at once and nobody asks for them in vain."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from notifier.broker.redis_calls import AWAY
from schemas.protocol.keys import EVENTS_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from notifier.broker.redis_calls import RedisCalls

_BLOCK_MILLISECONDS: Final = 2000
"""How long Redis holds a question back. It is less than what a call may take."""
_PAUSE_SECONDS: Final = 0.01
"""Between two questions, so that under load one answer stands for many events. At least so long."""
_PAUSE_SECONDS_EACH: Final = 0.001
"""The same for each endpoint. All of them ask Redis then: at most a thousand times a second, however many there are."""
_AWAY_SECONDS: Final = 1.0
"""How long to wait where Redis did not answer."""


class Arrivals:
    """Tells whoever listens that there are new events. It reads none of them."""

    def __init__(self, calls: RedisCalls, on_arrival: Callable[[], int]) -> None:
        """`on_arrival` is called when there may be new events, at times for nothing. It returns how many it told."""
        self._calls = calls
        self._on_arrival = on_arrival
        self._newest: bytes | str = "0-0"

    async def run(self) -> None:
        """Listen until the task is canceled."""
        client: Any = self._calls.client
        told = 0
        while True:
            try:
                newest = await client.xrevrange(EVENTS_KEY, count=1)
                if newest and newest[0][0] != self._newest:
                    self._newest = newest[0][0]
                    told = self._on_arrival()
                await asyncio.sleep(max(_PAUSE_SECONDS, told * _PAUSE_SECONDS_EACH))
                await client.xread({EVENTS_KEY: self._newest}, count=1, block=_BLOCK_MILLISECONDS)
            except AWAY as error:
                await self._calls.failed(error)
                self._newest = "0-0"
                await asyncio.sleep(_AWAY_SECONDS)
