"""The calls that wait for the connection to Redis: how much may wait, and until when.

A call stays here from `put` until it has its answer. The connection takes several at a time, so that they share a
round trip. Each call has a deadline. An alarm fails the calls whose deadline has passed, whether they still wait or are
on their way already.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from api_shim.broker.broker_errors import BrokerRefusedError, BrokerUnavailableError
from startup.broker.redis_refusals import Kind, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api_shim.broker.redis_reports import RedisReports
    from schemas.protocol.call import Script

_MOST_CALLS_TOGETHER: Final = 256
"""How many calls share a round trip at most. It bounds how long Redis works before it answers the first of them."""

_MOST_BYTES_TOGETHER: Final = 1024 * 1024
"""The same bound for few calls that are large: Redis reads and syncs all of them before it answers the first."""

_LARGE_CALL_BYTES: Final = 16 * 1024
"""A call of more bytes than this is a large one. It is eight times what a usual signup takes."""

_MOST_BYTES_WAITING: Final = 16 * 1024 * 1024
"""How many bytes of calls may wait. A Redis that syncs each write takes some seconds for so much. A call that came on
top would only wait until its time is over, so it is refused at once."""

_MOST_LARGE_BYTES_WAITING: Final = _MOST_BYTES_WAITING // 2
"""How far large calls may fill that. Callers with usual signups get in beside them."""

_CALL_BYTES: Final = 256
"""What a waiting call takes of memory beside its packed command."""

_BETWEEN_ALARMS_SECONDS: Final = 0.01
"""The least time between two looks for overdue calls. Each look walks over all calls: one look for each deadline would
keep the process busy when thousands wait for a Redis that stands still."""

_OVERLOADED: Final = Refusal(
    "overloaded", Kind.WAIT, "as much waits for Redis as may wait: Redis is slow, or callers send very much at once"
)
"""What a call is told that finds the queue of calls full."""


@dataclass(slots=True)
class QueuedCall:
    """One call, until its caller has the reply."""

    packed: bytes
    """The command in Redis' protocol; a promise lacks its last argument."""
    script: Script | None
    """What the command runs, to be loaded again where Redis has forgotten it."""
    reply: asyncio.Future[Any]
    deadline: float
    """When the caller is told that there was no answer, by the event loop's clock."""
    latest: float | None
    """Of a promise: when Redis must have begun with it. It is the last argument, packed when the call is sent."""

    @property
    def size(self) -> int:
        """How many bytes it takes while it waits."""
        return len(self.packed) + _CALL_BYTES

    def fail(self, error: BrokerUnavailableError) -> None:
        """Raise this for the caller, unless the call has its answer or the caller has left."""
        if not self.reply.done():
            self.reply.set_exception(error)


class CallQueue:
    """Calls in the order in which they were made. One event loop uses it."""

    def __init__(self, *, timeout_seconds: float, reports: RedisReports) -> None:
        """`timeout_seconds` is how long each call may take, the time in the queue included."""
        self._timeout_seconds = timeout_seconds
        self._reports = reports
        self._waiting: deque[QueuedCall] = deque()
        self._waiting_bytes = 0
        self._on_their_way: Sequence[QueuedCall] = ()
        self._awake = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        # Not asked of the handle: uvloop's has no time where it is due within half a millisecond.
        self._alarm_at = 0.0
        self._closed = False

    def put(self, packed: bytes, script: Script | None, latest: float | None) -> asyncio.Future[Any]:
        """Let a call wait for its turn. The future has the reply, or a `BrokerUnavailableError` when its time is over.

        A caller that is cancelled just leaves the future behind: a call that was sent keeps its place among the
        replies, and one that still waits is never sent.

        Raises:
            BrokerRefusedError: too much waits already.
            BrokerUnavailableError: the queue is closed.
        """
        if self._closed:
            raise BrokerUnavailableError
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_seconds
        if latest is not None and latest < deadline:
            deadline = latest
        call = QueuedCall(packed, script, loop.create_future(), deadline, latest)
        size = call.size
        most = _MOST_BYTES_WAITING if size <= _LARGE_CALL_BYTES else _MOST_LARGE_BYTES_WAITING
        if self._waiting_bytes + size > most:
            self._reports.refused(_OVERLOADED)
            raise BrokerRefusedError(_OVERLOADED)
        self._waiting.append(call)
        self._waiting_bytes += size
        if self._alarm is None or deadline == latest:
            self._set_alarm(deadline)
        self._awake.set()
        return call.reply

    async def take(self) -> list[QueuedCall]:
        """The next calls that are to share a round trip, as soon as there are any. Those taken before are done with."""
        self._on_their_way = ()
        while not (together := self._next_together()):
            self._awake.clear()
            await self._awake.wait()
        self._on_their_way = together
        return together

    def put_back(self, calls: Sequence[QueuedCall]) -> None:
        """Let calls that were taken have their turn again, before all others. Each keeps its deadline."""
        for call in reversed(calls):
            if not call.reply.done():
                self._waiting.appendleft(call)
                self._waiting_bytes += call.size
        self._awake.set()

    def fail_taken(self) -> None:
        """Nobody carries the calls that were taken any further."""
        for call in self._on_their_way:
            call.fail(BrokerUnavailableError())

    def close(self) -> None:
        """Fail every call, now and from now on."""
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        for call in chain(self._on_their_way, self._waiting):
            call.fail(BrokerUnavailableError())
        self._waiting.clear()
        self._waiting_bytes = 0

    def _next_together(self) -> list[QueuedCall]:
        together: list[QueuedCall] = []
        together_bytes = 0
        while self._waiting and len(together) < _MOST_CALLS_TOGETHER and together_bytes < _MOST_BYTES_TOGETHER:
            call = self._waiting.popleft()
            size = call.size
            self._waiting_bytes -= size
            if not call.reply.done():
                together.append(call)
                together_bytes += size
        return together

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            if self._alarm_at <= at:
                return
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = asyncio.get_running_loop().call_at(at, self._fail_overdue)

    def _fail_overdue(self) -> None:
        now = asyncio.get_running_loop().time()
        self._alarm = None
        deadlines = []
        for call in chain(self._on_their_way, self._waiting):
            if call.deadline <= now:
                call.fail(BrokerUnavailableError())
            elif not call.reply.done():
                deadlines.append(call.deadline)
        if deadlines:
            self._set_alarm(max(min(deadlines), now + _BETWEEN_ALARMS_SECONDS))
