"""Makes clients of the Redis that the settings name.

redis-py is given the parts of the URL, not the URL itself: if it parsed the URL, its errors could repeat the password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio

if TYPE_CHECKING:
    from startup.broker.redis_url import RedisUrl


def redis_client(url: RedisUrl, **options: Any) -> redis.Redis:
    """A client whose pool is closed with it. `options` are those of redis-py's connections."""
    connection_class = redis.SSLConnection if url.tls else redis.Connection
    pool = redis.ConnectionPool(connection_class=connection_class, **url.arguments(), **options)
    return redis.Redis.from_pool(pool)


def redis_pool(url: RedisUrl, **options: Any) -> redis.asyncio.ConnectionPool:
    """A pool that makes connections for asyncio. `options` are those of redis-py's connections."""
    connection_class = redis.asyncio.SSLConnection if url.tls else redis.asyncio.Connection
    return redis.asyncio.ConnectionPool(connection_class=connection_class, **url.arguments(), **options)
