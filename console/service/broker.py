"""Makes the console's calls to Redis, in threads, so that a Redis that does not answer delays no other request."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from startup.broker.calls import send
from startup.broker.redis_clients import drop_connections, redis_client
from startup.broker.redis_refusals import Kind, refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import redis

    from schemas.protocol.call import Call
    from startup.broker.redis_url import RedisUrl

Reply = TypeVar("Reply")

_THREADS: Final = 4
"""Calls that one `Broker` makes at once. Further ones wait for their turn."""


class BrokerAwayError(Exception):
    """Redis cannot be reached, or refuses. `reason` is a code: an error's name, nothing of the URL."""

    def __init__(self, reason: str, *, advice: str = "") -> None:
        """`advice`: what to mend, where Redis answers and refuses; empty where it does not answer."""
        super().__init__(reason)
        self.reason = reason
        self.advice = advice


class Broker:
    """Redis, as the console uses it. Every method raises `BrokerAwayError` while it cannot be used.

    Each has threads of its own: what waits for one `Broker` never waits behind the calls of another.
    """

    def __init__(self, url: RedisUrl, *, timeout_seconds: float) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="redis")
        self._client = redis_client(
            url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            socket_keepalive=True,
            health_check_interval=25,
            # redis-py cannot tell an act from a look. See `_twice`.
            retry=Retry(NoBackoff(), 0),
        )

    async def run(self, *calls: Call[Any]) -> list[Any]:
        """Make these calls in one round trip, and read their replies in the same thread. See `use`."""
        return await self.use(lambda client: _run(client, calls))

    async def act(self, *calls: Call[Any]) -> list[Any]:
        """The same for what an operator does. See `use_once`."""
        return await self.use_once(lambda client: _run(client, calls))

    async def use(self, work: Callable[[redis.Redis], Reply]) -> Reply:
        """Do this work with a client, in a thread. It is done once more where a connection was lost."""
        return await self._in_a_thread(lambda: self._twice(work))

    async def use_once(self, work: Callable[[redis.Redis], Reply]) -> Reply:
        """The same for an act, which is not repeated: it would find nothing to change, and count what it did as 0."""
        return await self._in_a_thread(lambda: self._once(work))

    def close(self) -> None:
        """Close all connections, and make no call that has not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def _in_a_thread(self, work: Callable[[], Reply]) -> Reply:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._guarded, work)

    def _twice(self, work: Callable[[redis.Redis], Reply]) -> Reply:
        try:
            return work(self._client)
        except RedisConnectionError:
            # A restart of Redis, or what is in between, broke a connection of the pool. What was not answered in time
            # is not repeated: that would take as long again.
            return work(self._client)

    def _once(self, work: Callable[[redis.Redis], Reply]) -> Reply:
        # Finds out whether the connection broke while it was idle, as long as a repeat does no harm.
        self._twice(lambda client: client.ping())
        return work(self._client)

    def _guarded(self, work: Callable[[], Reply]) -> Reply:
        try:
            return work()
        except RedisError as error:
            refusal = refusal_of(error)
            if refusal is not None and refusal.kind is Kind.ELSEWHERE:
                drop_connections(self._client)
            if refusal is None:
                raise BrokerAwayError(type(error).__name__) from error
            raise BrokerAwayError(refusal.code, advice=refusal.sentence) from error


def _run(client: redis.Redis, calls: Sequence[Call[Any]]) -> list[Any]:
    replies = send(client, calls)
    for reply in replies:
        if isinstance(reply, RedisError):
            raise reply
    return [call.read(reply) for call, reply in zip(calls, replies, strict=True)]
