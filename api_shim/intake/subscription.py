"""One pub/sub connection a process on which all waiting calls hear of outcomes.

A call that has just made its task is told by the process' own channel, which the task's record names, and costs no
command of its own. Any other call that waits subscribes to its task's channel.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import structlog

from api_shim.broker.pubsub import PubSubConnection, SubscriptionLostError
from api_shim.intake.listener import Listener
from schemas.protocol.keys import result_key, waiter_channel
from startup.background.vital_task import VitalTask
from startup.broker.redis_refusals import refusal_of
from startup.seldom import Seldom

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from redis.asyncio import ConnectionPool

    from startup.broker.redis_refusals import Refusal

_CONFIRM_SECONDS: Final = 1.0
"""How long a call waits for Redis to confirm that its channel is heard."""
_UNSUBSCRIBE_SECONDS: Final = 1.0
"""How long channels are kept after the last call has left them; then they are all unsubscribed together."""

_FIRST_BACKOFF_SECONDS: Final = 0.05
"""The pause before the first new connection after a loss."""
_LONGEST_BACKOFF_SECONDS: Final = 2.0
"""The pause to which those before further connections grow."""

log = structlog.get_logger("api_shim.subscription")


class _Channel:
    """One task's channel, shared by all calls that wait for it."""

    __slots__ = ("confirmed", "listeners")

    def __init__(self) -> None:
        self.confirmed = asyncio.Event()
        self.listeners: set[Listener] = set()


class OutcomeSubscription:
    """Subscribes to the channels of the tasks that somebody waits for; reconnects by itself."""

    def __init__(
        self,
        pool: ConnectionPool,
        *,
        maximum_listeners: int,
        on_refused: Callable[[Refusal], None] = lambda _: None,
        on_listening: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`on_refused` is called with each refusal by Redis, `on_listening` with each new number of waiting calls."""
        self._pool = pool
        self._on_refused = on_refused
        self._on_listening = on_listening
        self._seldom = Seldom()
        self._maximum_listeners = maximum_listeners
        self._own_channel = waiter_channel(secrets.token_hex(8))
        self._own_confirmed = False
        self._expecting: dict[str, set[Listener]] = {}
        """Listeners by the ids of tasks whose records name the channel of this process."""
        self._channels: dict[str, _Channel] = {}
        """The channels of single tasks, by name."""
        self._unconfirmed: dict[str, int] = {}
        """How often this connection has asked for a channel without a reply so far, by the channel's name."""
        self._idle: set[str] = set()
        self._listening = 0
        self._connection: PubSubConnection | None = None
        self.task = VitalTask("outcome_subscription", self._run)
        self.draining = False

    @property
    def listening(self) -> int:
        """How many calls wait now."""
        return self._listening

    @property
    def has_room(self) -> bool:
        """Whether one more call may wait."""
        return self._listening < self._maximum_listeners

    def _count_listeners(self, more: int) -> None:
        self._listening += more
        self._on_listening(self._listening)

    def start(self) -> None:
        """Begin to listen; needs a running event loop."""
        self.task.start()

    def drain(self) -> None:
        """The process shuts down: every waiting call goes on at once, and none waits any more."""
        self.draining = True
        self._wake_all()

    def renew(self) -> None:
        """Connect anew, and so look the server's name up anew: the server of this connection takes no writes any more.

        Outcomes are published on the new primary. This connection would stay open and never bring them.
        """
        if self._connection is not None:
            self._connection.leave()

    async def close(self) -> None:
        """Stop listening."""
        await self.task.close()

    def expect(self, task_id: str) -> Listener:
        """Listen for the outcome of a task that is about to be made with the listener's channel in its record.

        The channel is empty while this process has no confirmed subscription, or no room for another waiting call. The
        caller closes the listener.
        """
        listener = Listener(task_id, self, admitted=self.has_room)
        if self._own_confirmed and listener.worth_waiting:
            listener.channel = self._own_channel
            self._expecting.setdefault(task_id, set()).add(listener)
            self._count_listeners(1)
        return listener

    def forget(self, listener: Listener) -> None:
        """Stop listening for a listener of `expect`; does nothing for any other."""
        listeners = self._expecting.get(listener.task_id, set())
        if listener in listeners:
            self._count_listeners(-1)
            listeners.remove(listener)
            if not listeners:
                del self._expecting[listener.task_id]

    @asynccontextmanager
    async def listen(self, task_id: str) -> AsyncIterator[Listener]:
        """Listen for this task's outcome, once Redis has confirmed it or has not answered for a second."""
        listener = Listener(task_id, self, admitted=self.has_room)
        if not listener.worth_waiting:
            yield listener
            return
        name = result_key(task_id)
        known = self._channels.get(name)
        channel = known or self._channels.setdefault(name, _Channel())
        channel.listeners.add(listener)
        self._idle.discard(name)
        self._count_listeners(1)
        try:
            if known is None and self._connection is not None:
                # Without a connection nothing is sent now: the next one begins with all channels.
                self._subscribe(self._connection, [name])
            with suppress(TimeoutError):
                async with asyncio.timeout(_CONFIRM_SECONDS):
                    await channel.confirmed.wait()
            yield listener
        finally:
            self._count_listeners(-1)
            channel.listeners.discard(listener)
            if not channel.listeners and self._channels.get(name) is channel:
                if not self._idle:
                    asyncio.get_running_loop().call_later(_UNSUBSCRIBE_SECONDS, self._leave_idle_channels)
                self._idle.add(name)

    def _leave_idle_channels(self) -> None:
        names, self._idle = self._idle, set()
        for name in names:
            del self._channels[name]
        if names and self._connection is not None:
            self._connection.unsubscribe(names)

    async def _run(self) -> None:
        backoff = _FIRST_BACKOFF_SECONDS
        while True:
            connection = PubSubConnection(self._pool, self._dispatch)
            # Our own channel comes last, so its confirmation confirms all others.
            self._unconfirmed.clear()
            self._subscribe(connection, [*self._channels, self._own_channel])
            self._connection = connection
            try:
                await connection.run()
            except SubscriptionLostError as error:
                self._tell(error.__cause__ or error)
            finally:
                self._connection = None
                for channel in self._channels.values():
                    channel.confirmed.clear()  # for who comes before the next connection listens again
                was_confirmed, self._own_confirmed = self._own_confirmed, False
            backoff = _FIRST_BACKOFF_SECONDS if was_confirmed else min(_LONGEST_BACKOFF_SECONDS, 2 * backoff)
            await asyncio.sleep(backoff)

    def _tell(self, cause: BaseException) -> None:
        refusal = refusal_of(cause)
        if refusal is not None:
            self._on_refused(refusal)
        if self._seldom.is_due(type(cause).__name__):
            log.warning("subscription_lost", exc_info=cause)

    def _dispatch(self, kind: str, name: str, payload: bytes) -> None:
        if kind == "subscribe":
            self._confirm(name)
        elif kind == "message" and name == self._own_channel:
            task_id, _, result = payload.partition(b" ")
            for listener in self._expecting.get(task_id.decode(), ()):
                listener.wake(result)
        elif kind == "message" and name in self._channels:
            for listener in self._channels[name].listeners:
                listener.wake(payload)

    def _subscribe(self, connection: PubSubConnection, names: list[str]) -> None:
        for name in names:
            self._unconfirmed[name] = self._unconfirmed.get(name, 0) + 1
        connection.subscribe(names)

    def _confirm(self, name: str) -> None:
        # A channel may have been left and asked for again before the first reply came. Until the last reply it is not
        # sure to be heard.
        left = self._unconfirmed.pop(name, 1) - 1
        if left:
            self._unconfirmed[name] = left
        elif name == self._own_channel:
            self._own_confirmed = True
            # Outcomes that were published while there was no connection were missed, so every call looks for itself.
            self._wake_all()
        elif name in self._channels:
            self._channels[name].confirmed.set()

    def _wake_all(self) -> None:
        for listeners in [*self._expecting.values(), *(each.listeners for each in self._channels.values())]:
            for listener in listeners:
                listener.wake()
