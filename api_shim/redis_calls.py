"""Calls to Redis that share round trips: what is in flight together goes out together.

With `appendfsync always` Redis syncs once for all commands that it reads at once: sharing saves more than the network.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import NoScriptError, RedisError, ResponseError

from startup.redis_clients import redis_pool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio.connection import AbstractConnection

    from startup.redis_url import RedisUrl

_MOST_CALLS_TOGETHER: Final = 256
"""Bounds how long Redis works before the first of them is answered."""

Argument = str | bytes | int


class BrokerUnavailableError(Exception):
    """Redis did not answer, or answered that it cannot work now. The call may or may not have been carried out."""


class BrokerRefusedError(BrokerUnavailableError):
    """Redis answered that it did not carry the call out (its memory is full, it is loading, it is a replica)."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, called by its digest."""

    source: str
    digest: str


def script(source: str) -> Script:
    """The script with its digest (SHA-1 is what Redis' EVALSHA names it by)."""
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


@dataclass(slots=True)
class _Call:
    packed: bytes
    script: Script | None
    reply: asyncio.Future[Any]


class RedisCalls:
    """One connection on which calls that are made at the same time share a round trip; it reconnects by itself."""

    def __init__(self, url: RedisUrl, *, timeout_seconds: float) -> None:
        self._pool = redis_pool(url, socket_timeout=None, socket_connect_timeout=timeout_seconds, socket_keepalive=True)
        self._timeout_seconds = timeout_seconds
        self._connection: AbstractConnection | None = None
        self._waiting: deque[_Call] = deque()
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send; needs a running event loop."""
        self._task = asyncio.create_task(self._run(), name="redis-calls")

    async def close(self) -> None:
        """Stop sending; what still waits fails."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._fail(self._waiting)
        await self._disconnect()

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """The script's reply.

        Raises:
            BrokerRefusedError: it was not carried out.
            BrokerUnavailableError: it is not known whether it was.
        """
        return await self._call(_packed("EVALSHA", script.digest, len(keys), *keys, *arguments), script)

    async def command(self, *command: Argument) -> Any:
        """The reply to a plain command; raises as `run` does."""
        return await self._call(_packed(*command), None)

    async def _call(self, packed: bytes, script: Script | None) -> Any:
        call = _Call(packed, script, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        self._awake.set()
        # A caller that is cancelled leaves its future behind; the reply is read all the same, so the order is kept.
        return await call.reply

    async def _run(self) -> None:
        while True:
            await self._awake.wait()
            self._awake.clear()
            while self._waiting:
                together = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_CALLS_TOGETHER))]
                try:
                    async with asyncio.timeout(self._timeout_seconds):
                        await self._exchange(together)
                except (RedisError, OSError, TimeoutError):
                    await self._disconnect()
                    self._fail(together)
                    # Redis is away: what came meanwhile would only wait for the same.
                    self._fail(self._waiting)
                    self._waiting.clear()
                except BaseException:
                    self._fail(together)
                    raise

    async def _exchange(self, together: list[_Call]) -> None:
        connection = self._connection
        if connection is None:
            connection = self._pool.make_connection()
            await connection.connect()
            self._connection = connection
        await connection.send_packed_command(b"".join([call.packed for call in together]))
        unknown: list[_Call] = []
        for call in together:
            try:
                reply = await connection.read_response(disconnect_on_error=False)
            except NoScriptError:
                unknown.append(call)
            except ResponseError:
                _settle(call, error=BrokerRefusedError())
            else:
                _settle(call, reply=reply)
        if unknown:
            # Redis restarted and forgot them; none of these was carried out.
            for source in {call.script.source for call in unknown if call.script}:
                await connection.send_command("SCRIPT", "LOAD", source)
                await connection.read_response()
            await self._exchange(unknown)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    def _fail(self, calls: Sequence[_Call] | deque[_Call]) -> None:
        for call in calls:
            _settle(call, error=BrokerUnavailableError())


def _packed(*command: Argument) -> bytes:
    """The command in Redis' protocol; redis-py's own way there, for any kind of argument, costs three times as much."""
    raw = [each if isinstance(each, bytes) else str(each).encode() for each in command]
    return b"*%d\r\n" % len(raw) + b"".join([b"$%d\r\n%b\r\n" % (len(each), each) for each in raw])


def _settle(call: _Call, *, reply: Any = None, error: Exception | None = None) -> None:
    if call.reply.done():
        return
    if error is None:
        call.reply.set_result(reply)
    else:
        call.reply.set_exception(error)
