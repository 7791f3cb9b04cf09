"""One publish/subscribe connection to Redis from its beginning to its loss.

redis-py's own `PubSub` connects anew from whichever task happens to use it, the reading and the sending one at once. It
also remembers every channel that was ever left. Here a connection is never repaired: whatever goes wrong ends it, and
its owner makes the next one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from redis.asyncio import ConnectionPool
    from redis.asyncio.connection import AbstractConnection

PING_SECONDS: Final = 2.0
"""How often the server is sent a ping, since a subscription may bring nothing for hours."""

SILENCE_SECONDS: Final = 6.0
"""How long nothing at all may come, answers to pings included, before the connection counts as lost."""

CONNECT_SECONDS: Final = 5.0
"""How long connecting, with authentication, may take."""

PROTOCOL: Final = 2
"""The version of Redis' protocol. In RESP2, subscriptions, messages and answers to pings are all plain arrays."""


class SubscriptionLostError(Exception):
    """The connection is of no use any more. `__cause__` is the error that ended it; this exception has no text."""


class SilenceError(Exception):
    """Nothing came for `SILENCE_SECONDS`: the other side is gone, and nothing closed the connection."""


class LeftError(Exception):
    """The owner wants another connection."""


class PubSubConnection:
    """A connection that only its own `run` reads, writes and closes."""

    def __init__(self, pool: ConnectionPool, on_message: Callable[[str, str, bytes], None]) -> None:
        """Messages are given to `on_message` as kind (`subscribe`, `message`), channel and payload."""
        self._pool = pool
        self._on_message = on_message
        self._commands: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()
        """Commands that are still to be sent. An empty one ends the connection."""
        self._heard_at = 0.0

    def subscribe(self, channels: Iterable[str]) -> None:
        """Ask for these channels' messages, after what was asked for before."""
        self._commands.put_nowait(("SUBSCRIBE", *channels))

    def unsubscribe(self, channels: Iterable[str]) -> None:
        """Ask for no more messages of these channels."""
        self._commands.put_nowait(("UNSUBSCRIBE", *channels))

    def leave(self) -> None:
        """End the connection: `run` raises soon."""
        self._commands.put_nowait(())

    async def run(self) -> None:
        """Connect, and serve until the connection is lost.

        Raises:
            SubscriptionLostError: always, unless it is cancelled.
        """
        connection: AbstractConnection = self._pool.make_connection()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.connect()
            self._heard_at = asyncio.get_running_loop().time()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(connection))
                group.create_task(self._write(connection))
                group.create_task(self._watch())
        except ExceptionGroup as errors:
            # The first error ended the other tasks, so their errors are only its consequences.
            raise SubscriptionLostError from errors.exceptions[0]
        except Exception as error:
            # Any exception: on a connection that was reset, an event loop raises what redis-py does not document.
            raise SubscriptionLostError from error
        finally:
            await _close(connection)

    async def _read(self, connection: AbstractConnection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            response = await connection.read_response(disconnect_on_error=False)
            self._heard_at = loop.time()
            match response:
                case [bytes(kind), bytes(channel), payload]:
                    self._on_message(kind.decode(), channel.decode(), payload if isinstance(payload, bytes) else b"")
                case _:
                    pass  # the answer to a ping

    async def _write(self, connection: AbstractConnection) -> None:
        while True:
            command = await self._commands.get()
            if not command:
                raise LeftError
            if not connection.is_connected:
                # redis-py would connect here, beside the task that reads.
                raise ConnectionResetError
            await connection.send_command(*command, check_health=False)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PING_SECONDS)
            if loop.time() - self._heard_at > SILENCE_SECONDS:
                raise SilenceError
            self._commands.put_nowait(("PING",))


async def _close(connection: AbstractConnection) -> None:
    try:
        await connection.disconnect(nowait=True)
    except (RedisError, OSError, RuntimeError):
        # The connection was lost already, and nothing is left to close.
        return
