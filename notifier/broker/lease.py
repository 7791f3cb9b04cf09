"""The lease under which one notifier sends."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from notifier.broker.redis_calls import BrokerAwayError
from schemas.protocol.steps.delivering import lease_notifier, leave_notifier

if TYPE_CHECKING:
    from notifier.broker.redis_calls import RedisCalls


class Lease:
    """One time of sending, from `take` to `leave`. Its holder's name is never used again."""

    def __init__(self, calls: RedisCalls, *, holder: str, previous: str, seconds: float) -> None:
        """Nothing is taken yet.

        Args:
            calls: to Redis.
            holder: a name that nobody else has.
            previous: the holder of an earlier lease of this process, which has ended; empty if there was none.
            seconds: after so long without a renewal another notifier may send.
        """
        self._calls = calls
        self.holder = holder
        self._previous = previous
        self._seconds = seconds
        self._until = 0.0
        self.is_lost = False

    async def take(self) -> bool:
        """Take or renew it. Returns whether it is the caller's.

        Raises:
            BrokerAwayError: nobody knows.
        """
        asked_at = asyncio.get_running_loop().time()
        held = await self._calls.run(lease_notifier(self.holder, previous=self._previous, lease_seconds=self._seconds))
        if held:
            self._until = asked_at + self._seconds
        return held

    def lasts(self, seconds: float) -> bool:
        """Whether it is certain to last for so long from now, even if it is not renewed."""
        return not self.is_lost and asyncio.get_running_loop().time() + seconds <= self._until

    async def keep(self, *, every_seconds: float) -> None:
        """Renew it again and again. Returns when it is lost, or when it has run out because Redis is away."""
        try:
            while self.lasts(0):
                await asyncio.sleep(every_seconds)
                with contextlib.suppress(BrokerAwayError):
                    if not self.is_lost and not await self.take():
                        break
        finally:
            # Whatever ends this, nobody keeps the lease any more.
            self.is_lost = True

    async def leave(self) -> None:
        """End it, so that another notifier need not wait until it runs out."""
        self.is_lost = True
        with contextlib.suppress(BrokerAwayError):
            await self._calls.run(leave_notifier(self.holder))
