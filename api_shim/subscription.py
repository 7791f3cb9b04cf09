"""One pub/sub connection a process on which all waiting calls hear of outcomes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import structlog
from redis.exceptions import RedisError

from schemas.task_record import result_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

_OWN_CHANNEL: Final = "intake:shim"
"""Keeps the connection subscribed while nobody waits; nothing is published on it."""

_CONFIRM_SECONDS: Final = 1.0
_UNSUBSCRIBE_SECONDS: Final = 1.0
"""Channels that nobody waits on any more are left together, as often as this."""

_FIRST_BACKOFF_SECONDS: Final = 0.05
_LONGEST_BACKOFF_SECONDS: Final = 2.0

log = structlog.get_logger("api_shim.subscription")


class _Channel:
    """What is shared by all who wait for one task."""

    __slots__ = ("confirmed", "listeners")

    def __init__(self) -> None:
        self.confirmed = asyncio.Event()
        self.listeners: set[Listener] = set()


class Listener:
    """One waiting call."""

    def __init__(self, subscription: OutcomeSubscription, *, admitted: bool) -> None:
        self._subscription = subscription
        self._admitted = admitted
        self._heard = asyncio.Event()
        self._published: bytes | None = None

    @property
    def worth_waiting(self) -> bool:
        """Whether waiting is possible: there was room for this call, and the process does not shut down."""
        return self._admitted and not self._subscription.draining

    async def wait(self, seconds: float) -> bytes | None:
        """Return when there may be news, or after the seconds: what was published, where that was heard."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        self._heard.clear()
        return self._published

    def wake(self, published: bytes | None = None) -> None:
        """There may be news; or there are, and these."""
        self._published = published
        self._heard.set()


class OutcomeSubscription:
    """Subscribes to the channels of the tasks that somebody waits for; reconnects by itself."""

    def __init__(self, client: Redis, *, maximum_listeners: int) -> None:
        self._client = client
        self._maximum_listeners = maximum_listeners
        self._channels: dict[str, _Channel] = {}
        self._idle: set[str] = set()
        self._listening = 0
        self._pubsub: PubSub | None = None
        self._task: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self.draining = False

    @property
    def listening(self) -> int:
        """How many calls wait now."""
        return self._listening

    def start(self) -> None:
        """Begin to listen; needs a running event loop."""
        self._task = asyncio.create_task(self._run(), name="outcome-subscription")

    def drain(self) -> None:
        """The process shuts down: every waiting call goes on at once, and none waits any more."""
        self.draining = True
        self._wake_all()

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @asynccontextmanager
    async def listen(self, task_id: str) -> AsyncIterator[Listener]:
        """Hear of this task's outcome from here on; the subscription is confirmed, if Redis answers at all."""
        listener = Listener(self, admitted=self._listening < self._maximum_listeners)
        if not listener.worth_waiting:
            yield listener
            return
        name = result_key(task_id)
        known = self._channels.get(name)
        channel = known or self._channels.setdefault(name, _Channel())
        channel.listeners.add(listener)
        self._idle.discard(name)
        self._listening += 1
        try:
            if known is None:
                await self._send([name], subscribe=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(_CONFIRM_SECONDS):
                    await channel.confirmed.wait()
            yield listener
        finally:
            self._listening -= 1
            channel.listeners.discard(listener)
            if not channel.listeners and self._channels.get(name) is channel:
                if not self._idle:
                    asyncio.get_running_loop().call_later(_UNSUBSCRIBE_SECONDS, self._leave_idle_channels)
                self._idle.add(name)

    def _leave_idle_channels(self) -> None:
        names, self._idle = self._idle, set()
        for name in names:
            del self._channels[name]
        if names:
            self._start_sending(list(names), subscribe=False)

    async def _send(self, names: Sequence[str], *, subscribe: bool) -> None:
        task = self._start_sending(names, subscribe=subscribe)
        if task is not None:
            await asyncio.shield(task)

    def _start_sending(self, names: Sequence[str], *, subscribe: bool) -> asyncio.Task[None] | None:
        pubsub = self._pubsub
        if pubsub is None:
            return None  # the next connection subscribes to all that are wanted then
        # In a task of its own: redis-py can swallow a cancellation in there, and then a call whose client has left
        # would be held to its end.
        task = asyncio.create_task(_send_command(pubsub, names, subscribe=subscribe))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        return task

    async def _run(self) -> None:
        backoff = _FIRST_BACKOFF_SECONDS
        while True:
            try:
                async with self._client.pubsub() as pubsub:
                    await pubsub.subscribe(_OWN_CHANNEL, *self._channels)
                    self._pubsub = pubsub
                    # What was published while there was no connection was not heard.
                    self._wake_all()
                    backoff = _FIRST_BACKOFF_SECONDS
                    try:
                        while True:
                            self._dispatch(await pubsub.parse_response(block=True))
                    finally:
                        self._pubsub = None
            except (RedisError, OSError) as error:
                log.warning("subscription_lost", exc_info=error)
            await asyncio.sleep(backoff)
            backoff = min(_LONGEST_BACKOFF_SECONDS, 2 * backoff)

    def _dispatch(self, response: object) -> None:
        if not isinstance(response, (list, tuple)):
            return
        kind, name = bytes(response[0]), response[1]
        channel = self._channels.get(name.decode()) if isinstance(name, bytes) else None
        if channel is None:
            return
        if kind == b"subscribe":
            channel.confirmed.set()
        elif kind == b"message":
            for listener in channel.listeners:
                listener.wake(bytes(response[2]))

    def _wake_all(self) -> None:
        for channel in self._channels.values():
            for listener in channel.listeners:
                listener.wake()


async def _send_command(pubsub: PubSub, names: Sequence[str], *, subscribe: bool) -> None:
    with suppress(RedisError, OSError):
        await (pubsub.subscribe(*names) if subscribe else pubsub.unsubscribe(*names))
