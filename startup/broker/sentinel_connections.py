"""Connections of redis-py that look the primary up each time that they connect.

redis-py's own Sentinel client is not used. It keeps an address for a whole pool, has no asynchronous pool without one,
takes whatever the first Sentinel says, and its errors do not tell why no primary was found.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio
from redis.exceptions import ResponseError

if TYPE_CHECKING:
    from startup.broker.sentinels import Address, Search, SentinelOrder


class SentinelConnection(redis.Connection):
    """A connection to whoever is the primary when it connects."""

    def __init__(self, *, sentinel_order: SentinelOrder, **arguments: Any) -> None:
        self._sentinel_order = sentinel_order
        super().__init__(**arguments)  # type: ignore[no-untyped-call] # redis-py has no types here

    def connect_check_health(self, check_health: bool = True, retry_socket_connect: bool = True) -> None:
        """Find the primary and connect to it.

        Raises:
            NoPrimaryError: the Sentinels lead to no primary.
            RedisError: they lead to a server to which no connection can be made.
        """
        if self.is_connected:
            return
        search = self._sentinel_order.search()
        for sentinel in search.sentinels():
            server = _ask(search, self._sentinel_order, sentinel, self.socket_connect_timeout)
            if server is None:
                continue
            self.host, self.port = server
            try:
                super().connect_check_health(check_health, retry_socket_connect)
                search.judge(self._role())
            except Exception as error:  # noqa: BLE001 - whatever it is, another Sentinel may name another server
                self.disconnect()  # type: ignore[no-untyped-call] # as above
                search.unfit(error)
            else:
                search.found()
                return
        raise search.failure()

    def _role(self) -> Any:
        self.send_command("ROLE", check_health=False)  # type: ignore[no-untyped-call] # as above
        try:
            return self.read_response()
        except ResponseError:
            # This user has no right to ask. What the server refuses later tells as well.
            return None


class SentinelSSLConnection(SentinelConnection, redis.SSLConnection):
    """The same over TLS."""


class AsyncSentinelConnection(redis.asyncio.Connection):
    """The same for asyncio."""

    def __init__(self, *, sentinel_order: SentinelOrder, **arguments: Any) -> None:
        self._sentinel_order = sentinel_order
        super().__init__(**arguments)

    async def connect_check_health(self, check_health: bool = True, retry_socket_connect: bool = True) -> None:
        """Find the primary and connect to it.

        Raises:
            NoPrimaryError: the Sentinels lead to no primary.
            RedisError: they lead to a server to which no connection can be made.
        """
        if self.is_connected:
            return
        search = self._sentinel_order.search()
        for sentinel in search.sentinels():
            server = await _ask_async(search, self._sentinel_order, sentinel, self.socket_connect_timeout)
            if server is None:
                continue
            self.host, self.port = server
            try:
                await super().connect_check_health(check_health, retry_socket_connect)
                search.judge(await self._role())
            except Exception as error:  # noqa: BLE001 - as above
                await _close(self)
                search.unfit(error)
            else:
                search.found()
                return
        raise search.failure()

    async def _role(self) -> Any:
        await self.send_command("ROLE", check_health=False)
        try:
            return await self.read_response()
        except ResponseError:
            return None


class AsyncSentinelSSLConnection(AsyncSentinelConnection, redis.asyncio.SSLConnection):
    """The same for asyncio over TLS."""


def _ask(search: Search, order: SentinelOrder, sentinel: Address, connect_seconds: float | None) -> Address | None:
    """Ask one Sentinel. Returns the server to try."""
    kind = redis.SSLConnection if order.tls_arguments else redis.Connection
    connection = kind(**_arguments(order, sentinel, order.sentinels.seconds(connect_seconds)))
    commands = order.sentinels.commands()
    try:
        connection.connect()
        connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        for _ in commands[:-2]:
            connection.read_response()
        quorum, reply = _told(connection), _told(connection)
    except Exception as error:  # noqa: BLE001 - whatever it is, the next Sentinel may answer
        search.failed(error)
        return None
    finally:
        connection.disconnect()
    return search.answered(quorum, reply)


async def _ask_async(
    search: Search, order: SentinelOrder, sentinel: Address, connect_seconds: float | None
) -> Address | None:
    """The same for asyncio."""
    kind = redis.asyncio.SSLConnection if order.tls_arguments else redis.asyncio.Connection
    seconds = order.sentinels.seconds(connect_seconds)
    connection = kind(**_arguments(order, sentinel, seconds))
    commands = order.sentinels.commands()
    try:
        async with asyncio.timeout(seconds):
            await connection.connect()
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            for _ in commands[:-2]:
                await connection.read_response()
            quorum, reply = await _told_async(connection), await _told_async(connection)
    except Exception as error:  # noqa: BLE001 - as above
        search.failed(error)
        return None
    finally:
        await _close(connection)
    return search.answered(quorum, reply)


def _told(connection: redis.Connection) -> Any:
    """The next reply, which may be an error."""
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


async def _told_async(connection: redis.asyncio.Connection) -> Any:
    """The same for asyncio."""
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


def _arguments(order: SentinelOrder, sentinel: Address, seconds: float) -> dict[str, Any]:
    host, port = sentinel
    return {
        "host": host,
        "port": port,
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "protocol": 2,
        # A Sentinel need not know which library asks it.
        "driver_info": None,
        **order.tls_arguments,
    }


async def _close(connection: redis.asyncio.Connection) -> None:
    # On a connection that was reset, an event loop may raise any exception. Nothing is left to close then.
    with contextlib.suppress(Exception):
        await connection.disconnect(nowait=True)
