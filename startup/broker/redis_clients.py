"""Makes clients of the Redis that the settings name.

redis-py is given the parts of the URL, not the URL itself: if it parsed the URL, its errors could repeat the password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio

from startup.broker.sentinel_connections import (
    AsyncSentinelConnection,
    AsyncSentinelSSLConnection,
    SentinelConnection,
    SentinelSSLConnection,
)
from startup.broker.sentinels import SentinelOrder
from startup.broker.silence import silence_arguments

if TYPE_CHECKING:
    from startup.broker.redis_url import RedisUrl


def redis_client(url: RedisUrl, **options: Any) -> redis.Redis:
    """A client whose pool is closed with it. `options` are those of redis-py's connections."""
    arguments = {**silence_arguments(), **url.arguments(), **sentinel_arguments(url), **options}
    return redis.Redis.from_pool(redis.ConnectionPool(connection_class=connection_class(url), **arguments))


def drop_connections(client: redis.Redis) -> None:
    """Close unused connections. The next calls resolve the name anew: another server may be behind it by now."""
    client.connection_pool.disconnect(inuse_connections=False)


def redis_pool(url: RedisUrl, **options: Any) -> redis.asyncio.ConnectionPool:
    """A pool that makes connections for asyncio. `options` are those of redis-py's connections."""
    arguments = {**silence_arguments(), **url.arguments(), **sentinel_arguments(url), **options}
    kind: type[redis.asyncio.Connection]
    if url.sentinels is None:
        kind = redis.asyncio.SSLConnection if url.tls else redis.asyncio.Connection
    else:
        kind = AsyncSentinelSSLConnection if url.tls else AsyncSentinelConnection
    return redis.asyncio.ConnectionPool(connection_class=kind, **arguments)


def connection_class(url: RedisUrl) -> type[redis.Connection]:
    """The class of redis-py's connections, or one of ours that finds the primary before it connects."""
    if url.sentinels is None:
        return redis.SSLConnection if url.tls else redis.Connection
    return SentinelSSLConnection if url.tls else SentinelConnection


def sentinel_arguments(url: RedisUrl) -> dict[str, Any]:
    """The arguments that our own classes of connections take beside those of redis-py."""
    if url.sentinels is None:
        return {}
    return {"sentinel_order": SentinelOrder(url.sentinels, tls_arguments=url.tls_arguments())}
