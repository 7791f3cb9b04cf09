"""Reading and canceling batches on behalf of their callers, and waiting until they have ended."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.intake.leaving import Leaving
from schemas.ids import is_task_id
from schemas.protocol.steps import batches

if TYPE_CHECKING:
    from api_shim.broker.absence import Absence
    from api_shim.broker.redis_calls import RedisCalls
    from api_shim.intake.leaving import UntilLeft
    from api_shim.intake.listener import Listener
    from api_shim.intake.subscription import OutcomeSubscription
    from schemas.protocol.steps.batches import BatchSummary

_READ_AGAIN_SECONDS: Final = 5.0
"""How often a waiting call reads the batch by itself. News can be missed, since Redis stores none."""

_CANCELED_TOGETHER: Final = 100
"""How many chunks one call cancels. Redis takes about a millisecond for them."""

_LISTED: Final = 1000
"""How many batches a list has at most."""


class Batches:
    """The batches of callers. Nobody sees another caller's."""

    def __init__(self, calls: RedisCalls, subscription: OutcomeSubscription, absence: Absence) -> None:
        self._calls = calls
        self._subscription = subscription
        self._absence = absence

    async def read(self, batch_id: str, *, caller: str) -> BatchSummary | None:
        """What is known of the batch now; None where there is none, or it is another caller's.

        Raises:
            BrokerUnavailableError: Redis cannot be asked, or may have been replaced.
        """
        if not is_task_id(batch_id):
            return None
        summary = await self._absence.read(batches.read_batch(batch_id), misses=lambda found: found is None)
        return summary if summary is not None and summary.caller == caller else None

    async def read_or_wait(
        self, batch_id: str, *, caller: str, seconds: float, until_left: UntilLeft
    ) -> BatchSummary | None:
        """As `read`, once the batch has ended, the seconds are over, or the shim shuts down.

        Args:
            batch_id: the id as the caller sent it.
            caller: the token's subject.
            seconds: how long to wait; with 0 the batch is read once.
            until_left: raises when the client has left; the wait then ends with the same exception.

        Raises:
            BrokerUnavailableError: Redis could not be asked even once.
        """
        summary = await self.read(batch_id, caller=caller)
        if not seconds or summary is None or summary.has_ended:
            return summary
        # Subscribe, then read, then wait: an end that comes after the read is then always heard of.
        async with self._subscription.listen(batch_id) as listener:
            return await self._hear(listener, summary, time.monotonic() + seconds, until_left)

    async def list(self, *, caller: str) -> tuple[BatchSummary, ...]:
        """The caller's batches that can be read, the newest first, up to a thousand.

        Raises:
            BrokerUnavailableError: Redis cannot be asked.
        """
        return await self._calls.read(batches.list_batches(caller, most=_LISTED))

    async def cancel(self, batch_id: str, *, caller: str) -> BatchSummary | None:
        """Cancel the rows that nobody has started on; what is known of the batch then, as `read`.

        Raises:
            BrokerUnavailableError: Redis did not confirm. Some rows may be canceled; a repeat cancels the others.
        """
        if await self.read(batch_id, caller=caller) is None:
            return None
        # One more call after the end changes nothing, so a call whose reply was lost may be repeated.
        call = batches.cancel_batch(batch_id, most=_CANCELED_TOGETHER)
        while (done := await self._calls.read(call)) is not None and not done.is_over:
            pass
        return await self.read(batch_id, caller=caller)

    async def _hear(
        self, listener: Listener, summary: BatchSummary, deadline: float, until_left: UntilLeft
    ) -> BatchSummary | None:
        known: BatchSummary | None = summary
        with closing(Leaving(until_left, listener.wake)) as leaving:
            while True:
                with suppress(BrokerUnavailableError):
                    known = await self.read(summary.batch_id, caller=summary.caller)
                remaining = deadline - time.monotonic()
                if known is None or known.has_ended or remaining <= 0 or not listener.worth_waiting:
                    return known
                leaving.look()
                await listener.wait(min(remaining, _READ_AGAIN_SECONDS))
