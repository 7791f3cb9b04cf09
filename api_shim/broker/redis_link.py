"""One connection to Redis from its beginning to its loss: commands go out together, replies come back in order."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from startup.broker.redis_refusals import Refusal, refusal_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import ConnectionPool
    from redis.asyncio.connection import AbstractConnection

PROTOCOL: Final = 2
"""The version of Redis' protocol. In RESP2, replies are plain arrays and strings."""

Argument = str | bytes | int


class RedisLink:
    """A connection that is never repaired: after any exception it is of no use, and its owner closes it.

    A refusal by Redis is no exception here. It is returned as a `Refusal`, in the place of the reply.
    """

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._made_at = asyncio.get_running_loop().time()
        self._ahead_milliseconds = 0.0

    @classmethod
    async def open(cls, pool: ConnectionPool, first: Sequence[bytes]) -> tuple[RedisLink, list[Any]]:
        """Look the name up, connect, authenticate, compare clocks, and send the first commands.

        Returns:
            The connection, and the replies to the first commands.

        Raises:
            Exception: no connection could be made; `refusal_of` tells whether Redis refused it.
        """
        connection: AbstractConnection = pool.make_connection()
        try:
            await connection.connect()
            link = cls(connection)
            await link.send([packed("TIME"), *first])
            replies: list[Any] = []
            await link.read(replies, 1)
            link.compare_clocks(replies[0])
            await link.read(replies, len(first))
        except BaseException:
            await _disconnect(connection)
            raise
        return link, replies[1:]

    @property
    def age_seconds(self) -> float:
        """How long ago the connection was made."""
        return asyncio.get_running_loop().time() - self._made_at

    def compare_clocks(self, reply: Any) -> None:
        """Learn how far Redis' clock is ahead, from the reply to `TIME` that has just come."""
        here = asyncio.get_running_loop().time()
        there = time.time() if isinstance(reply, Refusal) else int(reply[0]) + int(reply[1]) / 1_000_000
        # Redis read its clock a moment ago. So a time that is reckoned by this is a moment too early, never too late.
        self._ahead_milliseconds = 1000 * (there - here)

    def milliseconds_there(self, at: float) -> int:
        """This time of the event loop's clock in Unix milliseconds by Redis' clock, at most a round trip too early."""
        return int(1000 * at + self._ahead_milliseconds)

    async def send(self, commands: Sequence[bytes]) -> None:
        """Send packed commands in one piece."""
        if not self._connection.is_connected:
            # redis-py would connect by itself here, and nobody would have judged the server at the other end.
            raise ConnectionResetError
        await self._connection.send_packed_command(b"".join(commands), check_health=False)

    async def read(self, replies: list[Any], count: int) -> None:
        """Append the replies to so many commands. Where this raises, those that came before the error are appended."""
        read = self._connection.read_response
        for _ in range(count):
            try:
                replies.append(await read(disconnect_on_error=False))
            except RedisError as error:
                refusal = refusal_of(error)
                if refusal is None:
                    raise
                replies.append(refusal)

    async def close(self) -> None:
        """Close it; never raises."""
        await _disconnect(self._connection)


def packed(*command: Argument) -> bytes:
    """The command in Redis' protocol. redis-py packs any kind of argument, and takes three times as long for it."""
    return packed_head(len(command)) + b"".join(map(packed_argument, command))


def packed_head(arguments: int) -> bytes:
    """The beginning of a command of so many arguments."""
    return b"*%d\r\n" % arguments


def packed_argument(argument: Argument) -> bytes:
    """One argument in Redis' protocol."""
    raw = argument if isinstance(argument, bytes) else str(argument).encode()
    return b"$%d\r\n%b\r\n" % (len(raw), raw)


async def _disconnect(connection: AbstractConnection) -> None:
    # On a connection that was reset, an event loop may raise any exception. Nothing is left to close then.
    with contextlib.suppress(Exception):
        await connection.disconnect(nowait=True)
