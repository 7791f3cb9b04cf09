"""Calls to Redis over asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import redis.asyncio
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from startup.broker.redis_clients import redis_pool
from startup.broker.redis_refusals import Kind, refusal_of
from startup.seldom import Seldom

if TYPE_CHECKING:
    from notifier.metrics import NotifierMetrics
    from schemas.protocol.call import Call
    from startup.broker.redis_url import RedisUrl

Reply = TypeVar("Reply")

BROKER: Final = "broker"
"""What logs and metrics call Redis."""

_PROTOCOL: Final = 2
"""In this version of Redis' protocol, replies are plain arrays and strings."""
_TIMEOUT_SECONDS: Final = 5.0
"""For each call, and for connecting."""

AWAY: Final = (RedisError, OSError, RuntimeError)
"""What a call raises where Redis is away or refuses. uvloop has RuntimeError for a connection that just ended."""

log = structlog.get_logger("notifier.redis")


class BrokerAwayError(Exception):
    """Redis did not answer, or refused. The call may be made again; it may have been carried out."""


class RedisCalls:
    """Makes calls, each over a connection of a pool. What goes wrong is counted, and logged now and then."""

    def __init__(self, url: RedisUrl, metrics: NotifierMetrics) -> None:
        """Nothing is sent yet."""
        self._pool = redis_pool(
            url,
            protocol=_PROTOCOL,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            # One quiet repeat, for a connection in the pool that a restart of Redis broke.
            retry=Retry(NoBackoff(), 1),
        )
        self.client = redis.asyncio.Redis(connection_pool=self._pool)
        self._metrics = metrics
        self._seldom = Seldom()

    async def close(self) -> None:
        """End all connections."""
        await self.client.aclose()
        await self._pool.aclose()

    async def run(self, call: Call[Reply]) -> Reply:
        """Make a call.

        Raises:
            BrokerAwayError: Redis did not answer, or refused.
        """
        try:
            return call.read(await self._send(call))
        except AWAY as error:
            await self.failed(error)
            raise BrokerAwayError from error

    async def failed(self, error: Exception) -> None:
        """Count and log that something could not be asked of Redis."""
        refusal = refusal_of(error)
        if refusal is None:
            self._metrics.dependency_failed(BROKER)
            if self._seldom.is_due("away"):
                log.warning("dependency_away", dependency=BROKER, exc_info=error)
            return
        self._metrics.dependency_refused(BROKER, refusal.code)
        if self._seldom.is_due(refusal.code):
            log.error("dependency_refuses", dependency=BROKER, code=refusal.code, advice=refusal.sentence)
        if refusal.kind is Kind.ELSEWHERE:
            # The name may lead to another server by now.
            await self._pool.disconnect()

    async def _send(self, call: Call[Any]) -> Any:
        try:
            return await self.client.execute_command(*call.command())
        except NoScriptError:
            await self.client.script_load(call.script.text)
            return await self.client.execute_command(*call.command())
