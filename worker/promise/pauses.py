"""Whether an operator has paused the taking of tasks, as this worker knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from redis.exceptions import ResponseError

from schemas.protocol.steps.pausing import Paused, read_pause
from startup.broker.redis_refusals import TABLE, Kind
from worker.dependencies.errors import TransientError
from worker.promise.calls import BrokerCalls

if TYPE_CHECKING:
    import redis

LOOK_SECONDS: Final = 1.0
"""Between two looks. An operator sees that a pause is heeded about a second later."""

log = structlog.get_logger("worker.pauses")


class Pauses:
    """What this worker must not take. Thread-safe: one thread looks, others ask."""

    def __init__(self, client: redis.Redis) -> None:
        self._calls = BrokerCalls(client)
        self._what = Paused.NOTHING
        self._has_looked = False

    @property
    def takes_signups(self) -> bool:
        """Whether signups may be taken. Nothing is taken before the first look."""
        return self._has_looked and self._what is not Paused.ALL

    @property
    def takes_chunks(self) -> bool:
        """Whether chunks of batches may be taken."""
        return self._has_looked and self._what is Paused.NOTHING

    def look(self) -> None:
        """Read what is paused. Where that fails, what was read last holds on.

        Raises:
            TransientError: Redis is away, or refuses.
            redis.ResponseError: Redis refuses this call, and would again.
        """
        try:
            pause = self._calls.run(read_pause())
        except TransientError as error:
            refusal = TABLE.get(error.code)
            # A worker whose user may not ask works on. A Redis that is away, or soon back, tells with the next look.
            self._has_looked |= refusal is not None and refusal.kind is Kind.MISCONFIGURED
            raise
        except ResponseError:
            self._has_looked = True
            raise
        before, self._what = self._what, pause.what
        # Last, since others ask meanwhile.
        self._has_looked = True
        if pause.what is not before:
            log.warning("taking_paused", what=pause.what.value, by=pause.by)
