"""A connection of kombu's for Celery's tools, apart from the one on which the worker takes tasks.

Whatever goes wrong on it, with Redis full or away, ends nothing but this connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kombu import Connection
from kombu.transport import redis as kombu_redis
from kombu.utils.json import dumps

from startup.broker.redis_clients import connection_class, sentinel_arguments
from startup.broker.silence import silence_arguments

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from startup.broker.redis_url import RedisUrl

REPLIES: Final = ".reply.celery.pidbox"
"""How the name of each queue ends that a tool reads replies from."""

_REPLY_SECONDS: Final = 60
"""How long Redis keeps a reply that nobody reads."""

_TIMEOUT_SECONDS: Final = 5.0
"""How long one command may take."""

_AGAIN_SECONDS: Final = 2.0
"""How long to wait after a failure before connecting anew."""


class _Channel(kombu_redis.Channel):
    """A channel that publishes, listens to broadcasts and replies. In Redis it leaves replies alone, for a minute."""

    do_restore = False
    further_arguments: dict[str, Any]
    """User, password and Sentinels. `connecting` sets them on a subclass, so that kombu cannot show them."""

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._connparams(asynchronous=asynchronous)  # type: ignore[no-untyped-call] # kombu publishes no types
        return {**parameters, **self.further_arguments}

    def _queue_bind(self, exchange: str, routing_key: str, _pattern: str, queue: str) -> None:
        # Subscribing is enough. kombu also writes a binding, which a full Redis refuses, and which a worker that was
        # killed leaves behind.
        self._fanout_queues[queue] = (exchange, routing_key)

    def _size(self, _queue: str) -> int:
        """How long the queue is. There is none for a broadcast."""
        return 0

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        # The name comes from a set in Redis, which others write.
        if not queue.endswith(REPLIES):
            return
        with self.conn_or_acquire() as redis, redis.pipeline() as together:
            together.lpush(queue, dumps(message))
            together.expire(queue, _REPLY_SECONDS)
            together.execute()


def connecting(url: RedisUrl) -> Callable[[], Connection]:
    """A function that makes a connection, which connects when it is first used."""
    told = {
        "further_arguments": {**url.credentials(), **sentinel_arguments(url)},
        **dict.fromkeys(("connection_class", "connection_class_ssl"), connection_class(url)),
    }
    channel = type("Channel", (_Channel,), told)
    transport = type("Transport", (kombu_redis.Transport,), {"Channel": channel})
    options = {
        "socket_timeout": _TIMEOUT_SECONDS,
        "socket_connect_timeout": _TIMEOUT_SECONDS,
        **silence_arguments(),
        "health_check_interval": int(_TIMEOUT_SECONDS),
    }
    return lambda: Connection(
        url.address, transport=transport, ssl=url.tls_arguments() or None, transport_options=dict(options)
    )


def stay_connected(
    connect: Callable[[], Connection],
    use: Callable[[Connection], object],
    stopping: threading.Event,
    *,
    on_failed: Callable[[Exception], object],
) -> None:
    """Use one connection after another until the worker stops.

    Args:
        connect: makes a connection.
        use: returns when the worker stops, and raises when the connection is of no use any more.
        stopping: set when the worker stops.
        on_failed: is told why a connection ended, whatever the reason.
    """
    while not stopping.is_set():
        try:
            with connect() as connection:
                connection.connect()
                use(connection)
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker must go on
            on_failed(error)
            stopping.wait(_AGAIN_SECONDS)
