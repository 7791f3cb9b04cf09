"""One connection a process on which all calls that wait for events hear that there are some.

Redis is asked while somebody waits, and at no other time.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import structlog

from api_shim.intake.listener import Listener
from schemas.protocol.keys import EVENTS_KEY
from startup.background.vital_task import VitalTask
from startup.broker.redis_refusals import refusal_of
from startup.seldom import Seldom

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis.asyncio import ConnectionPool
    from redis.asyncio.connection import AbstractConnection

    from startup.broker.redis_refusals import Refusal

    Place = tuple[int, int]
    """The place of an event in the stream, as numbers that can be compared."""

_BLOCK_MILLISECONDS: Final = 2000
"""How long Redis holds a question back. It is also how soon a lost or unwanted connection is noticed."""
_SILENCE_SECONDS: Final = 6.0
"""How long after a question nothing may come before the connection counts as lost."""
_CONNECT_SECONDS: Final = 5.0
"""How long connecting, with authentication, may take."""
_IDLE_SECONDS: Final = 10.0
"""How long the connection is kept while nobody waits."""
_BACKOFF_SECONDS: Final = 0.5
"""The pause between a loss and the next connection. Calls that wait read by themselves now and then all the same."""

log = structlog.get_logger("api_shim.event_news")


class EventNews:
    """Wakes calls that wait for events after a place; connects by itself."""

    def __init__(
        self,
        pool: ConnectionPool,
        *,
        has_room: Callable[[], bool] = lambda: True,
        on_refused: Callable[[Refusal], None] = lambda _: None,
        on_listening: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Nothing is sent before `start`.

        Args:
            pool: makes the connection, for version 2 of Redis' protocol and without a timeout.
            has_room: whether one more call may wait.
            on_refused: called with each refusal by Redis.
            on_listening: called with each new number of waiting calls.
        """
        self._pool = pool
        self._has_room = has_room
        self._on_refused = on_refused
        self._on_listening = on_listening
        self._seldom = Seldom()
        self._listeners: set[Listener] = set()
        self._asking: dict[Listener, Place] = {}
        """The calls that are to be woken, with the place after which each wants events."""
        self._asked: Place | None = None
        """The place after which Redis is asked for events now."""
        self._wanted = asyncio.Event()
        self._renewed = False
        self.task = VitalTask("event_news", self._run)
        self.draining = False

    @property
    def listening(self) -> int:
        """How many calls wait now."""
        return len(self._listeners)

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self.task.start()

    async def close(self) -> None:
        """End."""
        await self.task.close()

    def drain(self) -> None:
        """The process shuts down: every waiting call goes on at once, and none waits any more."""
        self.draining = True
        for listener in self._listeners:
            listener.wake()

    def renew(self) -> None:
        """Connect anew soon, and so look the server's name up anew."""
        self._renewed = True

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """Count a call as waiting, if there is room."""
        listener = Listener("", self, admitted=self._has_room())
        if listener.worth_waiting:
            self._listeners.add(listener)
            self._on_listening(self.listening)
        try:
            yield listener
        finally:
            self.forget(listener)

    def ask(self, listener: Listener, *, after: str) -> None:
        """Wake this listener once there are events after this place. The call has just read that there is none."""
        if listener not in self._listeners:
            return
        place = _place(after)
        if self._asked is not None and place < self._asked:
            # Another call has seen events after this place meanwhile.
            listener.wake()
            return
        self._asking[listener] = place
        self._wanted.set()

    def forget(self, listener: Listener) -> None:
        """Wake this listener no more."""
        self._asking.pop(listener, None)
        if listener in self._listeners:
            self._listeners.remove(listener)
            self._on_listening(self.listening)

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._renewed = False
            connection: AbstractConnection = self._pool.make_connection()
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await connection.connect()
                while not self._renewed and await self._is_wanted():
                    await self._hear(connection)
            except Exception as error:  # noqa: BLE001 - whatever it is, the connection cannot be trusted any more
                self._tell(error)
                await asyncio.sleep(_BACKOFF_SECONDS)
            finally:
                self._asked = None
                # On a connection that was reset, an event loop may raise any exception. Nothing is left to close then.
                with suppress(Exception):
                    await connection.disconnect(nowait=True)

    async def _is_wanted(self) -> bool:
        """Wait until somebody waits, or until it is time to close the connection."""
        if not self._asking:
            self._wanted.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._wanted.wait()
        return bool(self._asking)

    async def _hear(self, connection: AbstractConnection) -> None:
        # The earliest place that anybody wants: with it no event is missed between a call's read and its wait.
        self._asked = after = min(self._asking.values())
        question = ("XREAD", "COUNT", 1, "BLOCK", _BLOCK_MILLISECONDS, "STREAMS", EVENTS_KEY, f"{after[0]}-{after[1]}")
        if not connection.is_connected:
            # redis-py would connect by itself here, without a bound.
            raise ConnectionResetError
        async with asyncio.timeout(_SILENCE_SECONDS):
            await connection.send_command(*question, check_health=False)
            reply: Any = await connection.read_response(disconnect_on_error=False)
        self._asked = None
        if reply is None:
            return
        newest = _place(reply[0][1][0][0].decode())
        for listener in [each for each, place in self._asking.items() if place < newest]:
            del self._asking[listener]
            listener.wake()

    def _tell(self, error: Exception) -> None:
        refusal = refusal_of(error)
        if refusal is not None:
            self._on_refused(refusal)
        if self._seldom.is_due(type(error).__name__):
            log.warning("event_news_lost", exc_info=error)


def _place(text: str) -> Place:
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number)
