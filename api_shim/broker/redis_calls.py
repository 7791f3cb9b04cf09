"""Calls to Redis that share round trips: what is in flight together goes out together.

With `appendfsync always` Redis syncs once for all commands that it reads at once: sharing saves more than the network.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from api_shim.broker.redis_link import PROTOCOL, Argument, RedisLink, packed, packed_argument, packed_head
from api_shim.vital_task import VitalTask
from startup.broker.redis_clients import redis_pool
from startup.broker.redis_refusals import Kind, Refusal, refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from api_shim.broker.redis_reports import RedisReports
    from api_shim.broker.server_findings import ServerFindings
    from startup.broker.redis_url import RedisUrl

_MOST_CALLS_TOGETHER: Final = 256
"""Bounds how long Redis works before the first of them is answered."""

_MOST_BYTES_TOGETHER: Final = 1024 * 1024
"""The same for few calls that are large: Redis reads and syncs all of them before it answers the first."""

_LARGE_CALL_BYTES: Final = 16 * 1024
"""Eight times what a usual signup takes."""

_MOST_BYTES_WAITING: Final = 16 * 1024 * 1024
"""Of calls that are still to be sent: some seconds of what a Redis that syncs each write takes in. What comes beyond
that would only wait until its time is over, so it is refused at once."""

_MOST_LARGE_BYTES_WAITING: Final = _MOST_BYTES_WAITING // 2
"""How far large calls may fill that: callers with usual signups get in beside them."""

_CALL_BYTES: Final = 256
"""What a call takes beside its packed command."""

_OVERLOADED: Final = Refusal(
    "overloaded", Kind.WAIT, "as much waits for Redis as may wait: Redis is slow, or callers send very much at once"
)

_LEAST_AGE_SECONDS: Final = 1.0
"""A connection that is younger is kept also where another server is wanted: the name was looked up just now."""

_LONGEST_LEAST_AGE_SECONDS: Final = 4.0
"""How old a connection gets in the end where the name leads to the same server again and again."""


class BrokerUnavailableError(Exception):
    """Redis did not answer, or answered that it cannot work now. The call may or may not have been carried out."""


class BrokerRefusedError(BrokerUnavailableError):
    """Redis answered that it did not carry the call out, and why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.word)
        self.refusal = refusal

    @property
    def another_may_serve(self) -> bool:
        """Whether the same call is worth repeating at once: the name is looked up anew for it."""
        return self.refusal.kind is Kind.ELSEWHERE


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
    deadline: float
    latest: float | None
    """Of a promise: when Redis must have begun with it. It is the last argument, packed when the call is sent."""

    @property
    def size(self) -> int:
        """Bytes that it takes while it waits."""
        return len(self.packed) + _CALL_BYTES


class RedisCalls:
    """One connection on which calls that are made at the same time share a round trip; it reconnects by itself.

    Every call has its answer within `timeout_seconds`, the time in the queue included.
    """

    def __init__(
        self,
        url: RedisUrl,
        *,
        timeout_seconds: float,
        findings: ServerFindings,
        reports: RedisReports,
        on_elsewhere: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_elsewhere` is called when a connection is given up because another server may be behind the name."""
        self._pool = redis_pool(
            url,
            protocol=PROTOCOL,
            socket_timeout=None,
            socket_connect_timeout=timeout_seconds,
            socket_keepalive=True,
        )
        self._timeout_seconds = timeout_seconds
        self._findings = findings
        self.reports = reports
        self._on_elsewhere = on_elsewhere
        self._link: RedisLink | None = None
        self._wants_elsewhere = False
        self._least_age_seconds = _LEAST_AGE_SECONDS
        self._waiting: deque[_Call] = deque()
        self._waiting_bytes = 0
        self._in_flight: Sequence[_Call] = ()
        self._awake = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        # Not asked of the handle: uvloop's has no time where it is due within half a millisecond.
        self._alarm_at = 0.0
        self.task = VitalTask("redis_calls", self._run)

    def start(self) -> None:
        """Begin to send; needs a running event loop."""
        self.task.start()

    async def close(self) -> None:
        """Stop sending; what still waits fails."""
        await self.task.close()
        if self._alarm is not None:
            self._alarm.cancel()
        _fail(self._waiting)
        await self._disconnect()
        await self._pool.aclose()

    async def run(
        self, script: Script, keys: Sequence[str], arguments: Sequence[Argument], *, latest: float | None = None
    ) -> Any:
        """The script's reply. It is sent once.

        Args:
            script: what to run.
            keys: its KEYS.
            arguments: its ARGV.
            latest: for a promise, by the event loop's clock: the script gets this time as its last argument, by Redis'
                clock in Unix milliseconds, and the call has no longer than that. While the server must not be promised
                anything, it is refused unsent.

        Raises:
            BrokerRefusedError: it was not carried out.
            BrokerUnavailableError: it is not known whether it was.
        """
        return await self._call(_packed_script(script, keys, arguments, latest), script, latest)

    async def read(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """The reply of a script that changes nothing, repeated once; raises as `run` does."""
        return await self._twice(_packed_script(script, keys, arguments, None), script)

    async def command(self, *command: Argument) -> Any:
        """The reply to a plain command that changes nothing, repeated once; raises as `run` does."""
        return await self._twice(packed(*command), None)

    async def compare_clocks(self) -> None:
        """Learn anew what Redis' clock shows; raises as `run` does."""
        link = self._link
        reply = await self._call(packed("TIME"), None)
        # A connection that is new has just compared them itself.
        if link is not None and link is self._link:
            link.compare_clocks(reply)

    def look_elsewhere(self) -> None:
        """Give this connection up before the next call, and look the server's name up anew."""
        self._wants_elsewhere = True

    async def _twice(self, packed: bytes, script: Script | None) -> Any:
        try:
            return await self._call(packed, script)
        except BrokerRefusedError as error:
            if not error.another_may_serve:
                raise
        except BrokerUnavailableError:
            # Most often an idle connection that something between here and Redis has closed, or forgotten.
            pass
        return await self._call(packed, script)

    async def _call(self, packed: bytes, script: Script | None, latest: float | None = None) -> Any:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_seconds
        if latest is not None and latest < deadline:
            deadline = latest
        call = _Call(packed, script, loop.create_future(), deadline, latest)
        most = _MOST_BYTES_WAITING if call.size <= _LARGE_CALL_BYTES else _MOST_LARGE_BYTES_WAITING
        if self._waiting_bytes + call.size > most:
            self.reports.refused(_OVERLOADED)
            raise BrokerRefusedError(_OVERLOADED)
        self._waiting.append(call)
        self._waiting_bytes += call.size
        if self._alarm is None or deadline == latest:
            self._set_alarm(deadline)
        self._awake.set()
        # A caller that is cancelled leaves its future behind; the reply is read all the same, so the order is kept.
        return await call.reply

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
        for call in chain(self._in_flight, self._waiting):
            if call.deadline <= now:
                _settle(call, BrokerUnavailableError())
            elif not call.reply.done():
                deadlines.append(call.deadline)
        if deadlines:
            self._set_alarm(min(deadlines))

    async def _run(self) -> None:
        try:
            while True:
                await self._awake.wait()
                self._awake.clear()
                while together := self._next_together():
                    self._in_flight = together
                    try:
                        async with asyncio.timeout(self._timeout_seconds):
                            await self._exchange(together)
                    except Exception as error:  # noqa: BLE001 - whatever it is, the connection cannot be trusted any more
                        await self._lost(error, together)
                    self._in_flight = ()
        finally:
            _fail(self._in_flight)

    def _next_together(self) -> list[_Call]:
        together: list[_Call] = []
        size = 0
        while self._waiting and len(together) < _MOST_CALLS_TOGETHER and size < _MOST_BYTES_TOGETHER:
            call = self._waiting.popleft()
            self._waiting_bytes -= call.size
            if not call.reply.done():
                together.append(call)
                size += call.size
        return together

    async def _lost(self, error: Exception, together: Sequence[_Call]) -> None:
        refusal = refusal_of(error)
        if refusal is None:
            self.reports.away(error)
        else:
            self.reports.refused(refusal)
        await self._disconnect()
        _fail(together, refusal)

    async def _exchange(self, together: Sequence[_Call]) -> None:
        link = await self._connected()
        if self._findings.refusal is not None:
            together = self._without_promises(together, self._findings.refusal)
        unknown = await self._exchange_once(link, together)
        if unknown:
            # Redis restarted and forgot them; none of these was carried out.
            sources = list({call.script.source for call in unknown if call.script})
            await link.send([packed("SCRIPT", "LOAD", source) for source in sources])
            replies: list[Any] = []
            await link.read(replies, len(sources))
            if refused := [reply for reply in replies if isinstance(reply, Refusal)]:
                self._refuse(unknown, refused[0])
                return
            self._refuse(await self._exchange_once(link, unknown), Refusal("NOSCRIPT", Kind.WAIT, _FORGETS))

    async def _exchange_once(self, link: RedisLink, together: Sequence[_Call]) -> list[_Call]:
        """Send these and settle them by their replies; those whose script Redis does not know are left."""
        await link.send(
            [
                call.packed
                if call.latest is None
                else call.packed + packed_argument(link.milliseconds_there(call.latest))
                for call in together
            ]
        )
        unknown: list[_Call] = []
        replies: list[Any] = []
        try:
            await link.read(replies, len(together))
        finally:
            for call, reply in zip(together, replies, strict=False):
                if type(reply) is not Refusal:
                    if not call.reply.done():
                        call.reply.set_result(reply)
                elif reply.word == "NOSCRIPT" and call.script is not None:
                    unknown.append(call)
                else:
                    self._refuse([call], reply)
        return unknown

    async def _connected(self) -> RedisLink:
        if self._link is not None and self._wants_elsewhere and self._link.age_seconds > self._least_age_seconds:
            await self._disconnect()
            self._on_elsewhere()
        if self._link is None:
            link, replies = await RedisLink.open(self._pool, [packed(*each) for each in self._findings.COMMANDS])
            self._link = link
            self._wants_elsewhere = False
            self._findings.judge(replies)
            self._least_age_seconds = (
                min(2 * self._least_age_seconds, _LONGEST_LEAST_AGE_SECONDS)
                if self._findings.elsewhere
                else _LEAST_AGE_SECONDS
            )
        return self._link

    def _without_promises(self, together: Sequence[_Call], refusal: Refusal) -> list[_Call]:
        self._refuse([call for call in together if call.latest is not None], refusal)
        return [call for call in together if call.latest is None]

    def _refuse(self, calls: Sequence[_Call], refusal: Refusal) -> None:
        for call in calls:
            self.reports.refused(refusal)
            _settle(call, BrokerRefusedError(refusal))
        if calls and refusal.kind is Kind.ELSEWHERE:
            self._wants_elsewhere = True
        if calls and refusal.kind is Kind.MISCONFIGURED:
            self._findings.doubt()

    async def _disconnect(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()


_FORGETS: Final = "Redis forgets scripts faster than they can be loaded"


def _packed_script(script: Script, keys: Sequence[str], arguments: Sequence[Argument], latest: float | None) -> bytes:
    command = ("EVALSHA", script.digest, len(keys), *keys, *arguments)
    return packed_head(len(command) + (latest is not None)) + b"".join(map(packed_argument, command))


def _settle(call: _Call, error: Exception) -> None:
    if not call.reply.done():
        call.reply.set_exception(error)


def _fail(calls: Iterable[_Call], refusal: Refusal | None = None) -> None:
    for call in calls:
        _settle(call, BrokerUnavailableError() if refusal is None else BrokerRefusedError(refusal))
