"""Calls to Redis that share round trips: calls that are made at the same time are sent in one piece.

With `appendfsync always` Redis syncs its file once for all commands that it reads at once. So sharing saves syncs as
well as network round trips.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

from api_shim.broker.broker_errors import BrokerRefusedError, BrokerUnavailableError
from api_shim.broker.call_queue import CallQueue
from api_shim.broker.redis_diagnosis import RedisDiagnosis
from api_shim.broker.redis_link import PROTOCOL, Argument, RedisLink, packed, packed_argument, packed_head
from schemas.protocol.call import ProtocolError
from startup.background.vital_task import VitalTask
from startup.broker.redis_clients import redis_pool
from startup.broker.redis_refusals import Kind, Refusal, refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api_shim.broker.call_queue import QueuedCall
    from api_shim.broker.redis_reports import RedisReports
    from api_shim.broker.server_findings import ServerFindings
    from schemas.protocol.call import Call, Script
    from startup.broker.redis_url import RedisUrl

Reply = TypeVar("Reply")

_LEAST_AGE_SECONDS: Final = 1.0
"""A connection younger than this is kept even where another server is wanted, since its name was looked up just now."""

_COPIES_MILLISECONDS: Final = 250
"""How long Redis waits for its replicas to confirm promises. All calls behind these wait as long, so it is short: what
is not confirmed by then is sent again."""

_TOO_FEW_COPIES: Final = Refusal(
    "too_few_copies", Kind.WAIT, "fewer replicas than INTAKE_REDIS_COPIES have confirmed a signup in time"
)
"""What is reported where promises are not confirmed."""

_LONGEST_LEAST_AGE_SECONDS: Final = 4.0
"""The least age doubles up to this while the name leads to the same unfit server again and again."""


class RedisCalls:
    """One connection on which calls that are made at the same time share a round trip. It reconnects by itself.

    Every try of a call ends within `timeout_seconds`, the time in the queue included.
    """

    def __init__(
        self,
        url: RedisUrl,
        *,
        timeout_seconds: float,
        findings: ServerFindings,
        reports: RedisReports,
        copies: int = 0,
        on_elsewhere: Callable[[], None] = lambda: None,
    ) -> None:
        """Make the calls; nothing is sent before `start`.

        Args:
            url: where Redis is.
            timeout_seconds: how long each try of a call may take.
            findings: what is known of the server.
            reports: takes what goes wrong.
            copies: how many replicas must have a promise before its caller has the reply.
            on_elsewhere: called when another server may be behind the name: a connection was given up for that, or
                there is a new one after one that nobody answered.
        """
        self._pool = redis_pool(
            url,
            protocol=PROTOCOL,
            socket_timeout=None,
            socket_connect_timeout=timeout_seconds,
        )
        self._timeout_seconds = timeout_seconds
        self._findings = findings
        self.reports = reports
        self._on_elsewhere = on_elsewhere
        self._copies = copies
        self._wait = packed("WAIT", copies, _COPIES_MILLISECONDS)
        self._link: RedisLink | None = None
        self.connections = 0
        """How many were made so far. Calls between which it grew may have met different servers."""
        self._wants_elsewhere = False
        self._was_lost = False
        """The last connection broke or was silent, and there is no new one yet."""
        self._least_age_seconds = _LEAST_AGE_SECONDS
        self._queue = CallQueue(timeout_seconds=timeout_seconds, reports=reports)
        self._diagnosis = RedisDiagnosis(url, on_found=reports.refused)
        self.task = VitalTask("redis_calls", self._run)

    def start(self) -> None:
        """Begin to send; needs a running event loop."""
        self.task.start()

    async def close(self) -> None:
        """Stop sending. Calls that still wait fail, and so does every later call."""
        await self.task.close()
        await self._diagnosis.close()
        self._queue.close()
        await self._disconnect()
        await self._pool.aclose()

    async def run(self, call: Call[Reply], *, latest: float | None = None) -> Reply:
        """Make a call and return its reply. The call is sent once.

        Args:
            call: what to run.
            latest: the deadline of a call that has one, by the event loop's clock. It is filled in when the call is
                sent, by Redis' clock, and the answer takes no longer than that. A call with a deadline makes a promise:
                it is refused unsent while this server must not be trusted with one.

        Raises:
            BrokerRefusedError: the call was not carried out.
            BrokerUnavailableError: it is not known whether the call was carried out.
            ProtocolError: a call without a deadline is given one, or one with a deadline is given none.
        """
        if call.has_deadline == (latest is None):
            raise ProtocolError(f"{call.script.name} needs a deadline, or takes none")
        return call.read(await self._queue.put(_packed_call(call), call.script, latest))

    async def read(self, call: Call[Reply]) -> Reply:
        """Make a call that changes nothing, and return its reply. The call is repeated once; raises as `run` does."""
        return call.read(await self._twice(_packed_call(call), call.script))

    async def command(self, *command: Argument) -> Any:
        """Send a plain command that changes nothing, and return the reply. It is repeated once; raises as `run`."""
        return await self._twice(packed(*command), None)

    async def compare_clocks(self) -> None:
        """Ask Redis for its time, by which deadlines are told to it; raises as `run` does."""
        link = self._link
        reply = await self._queue.put(packed("TIME"), None, None)
        # A new connection compares the clocks when it is opened.
        if link is not None and link is self._link:
            link.compare_clocks(reply)

    def look_elsewhere(self) -> None:
        """Before the next call, close this connection and look the server's name up anew."""
        self._wants_elsewhere = True

    async def _twice(self, packed: bytes, script: Script | None) -> Any:
        try:
            return await self._queue.put(packed, script, None)
        except BrokerRefusedError as error:
            if not error.another_may_serve:
                raise
        except BrokerUnavailableError:
            # Most often the connection was idle, and something between here and Redis had closed or forgotten it.
            pass
        return await self._queue.put(packed, script, None)

    async def _run(self) -> None:
        try:
            while True:
                together = await self._queue.take()
                try:
                    async with asyncio.timeout(self._timeout_seconds):
                        await self._exchange(together)
                except Exception as error:  # noqa: BLE001 - whatever it is, the connection cannot be trusted any more
                    await self._lost(error, together)
        finally:
            self._queue.fail_taken()

    async def _lost(self, error: Exception, together: Sequence[QueuedCall]) -> None:
        refusal = refusal_of(error)
        if refusal is None:
            self.reports.away(error)
            if self._link is None:
                self._diagnosis.ask()
            else:
                self._was_lost = True
        else:
            self.reports.refused(refusal)
        await self._disconnect()
        for call in together:
            call.fail(BrokerUnavailableError() if refusal is None else BrokerRefusedError(refusal))

    async def _exchange(self, together: Sequence[QueuedCall]) -> None:
        link = await self._connected()
        if self._findings.refusal is not None:
            together = self._without_promises(together, self._findings.refusal)
        unknown = await self._exchange_once(link, together)
        if unknown:
            # Redis restarted and forgot these scripts. None of these calls was carried out.
            sources = list({call.script.text for call in unknown if call.script})
            await link.send([packed("SCRIPT", "LOAD", source) for source in sources])
            replies: list[Any] = []
            await link.read(replies, len(sources))
            if refused := [reply for reply in replies if isinstance(reply, Refusal)]:
                self._refuse(unknown, refused[0])
                return
            self._refuse(await self._exchange_once(link, unknown), Refusal("NOSCRIPT", Kind.WAIT, _FORGETS))

    async def _exchange_once(self, link: RedisLink, together: Sequence[QueuedCall]) -> list[QueuedCall]:
        """Send these calls and answer them by their replies. Returns the calls whose script Redis does not know."""
        commands = [
            call.packed if call.latest is None else call.packed + packed_argument(link.milliseconds_there(call.latest))
            for call in together
        ]
        wants_copies = self._copies > 0 and any(call.latest is not None for call in together)
        if wants_copies:
            # In the same packet, so that the wait for the replicas costs no round trip of its own.
            commands.append(self._wait)
        await link.send(commands)
        unknown: list[QueuedCall] = []
        promised: list[tuple[QueuedCall, Any]] = []
        replies: list[Any] = []
        try:
            await link.read(replies, len(together))
        finally:
            for call, reply in zip(together, replies, strict=False):
                if type(reply) is not Refusal:
                    if wants_copies and call.latest is not None:
                        promised.append((call, reply))
                    elif not call.reply.done():
                        call.reply.set_result(reply)
                elif reply.code == "NOSCRIPT" and call.script is not None:
                    unknown.append(call)
                else:
                    self._refuse([call], reply)
        if wants_copies:
            await self._confirm(link, promised)
        return unknown

    async def _confirm(self, link: RedisLink, promised: Sequence[tuple[QueuedCall, Any]]) -> None:
        """Give callers their replies once enough replicas have what these replies promise.

        Where too few have it in time, nobody knows whether it would outlive this server. Such calls are made again: the
        same call finds what it did, writes once more, and is confirmed with that. A caller whose time is over is told
        that there was no answer.
        """
        confirmed: list[Any] = []
        await link.read(confirmed, 1)
        calls = [call for call, _ in promised]
        (copies,) = confirmed
        if isinstance(copies, Refusal):
            self._refuse(calls, copies)
        elif copies >= self._copies:
            for call, reply in promised:
                if not call.reply.done():
                    call.reply.set_result(reply)
        else:
            self.reports.refused(_TOO_FEW_COPIES)
            self._queue.put_back(calls)

    async def _connected(self) -> RedisLink:
        if self._link is not None and self._wants_elsewhere and self._link.age_seconds > self._least_age_seconds:
            await self._disconnect()
            self._on_elsewhere()
        if self._link is None:
            link, replies = await RedisLink.open(self._pool, [packed(*each) for each in self._findings.COMMANDS])
            self._link = link
            self.connections += 1
            self._wants_elsewhere = False
            if self._was_lost:
                # Not before there is a new one: until then the name may still lead to a server that is gone.
                self._was_lost = False
                self._on_elsewhere()
            self._findings.judge(replies)
            self._least_age_seconds = (
                min(2 * self._least_age_seconds, _LONGEST_LEAST_AGE_SECONDS)
                if self._findings.elsewhere
                else _LEAST_AGE_SECONDS
            )
        return self._link

    def _without_promises(self, together: Sequence[QueuedCall], refusal: Refusal) -> list[QueuedCall]:
        self._refuse([call for call in together if call.latest is not None], refusal)
        return [call for call in together if call.latest is None]

    def _refuse(self, calls: Sequence[QueuedCall], refusal: Refusal) -> None:
        for call in calls:
            self.reports.refused(refusal)
            call.fail(BrokerRefusedError(refusal))
        if calls and refusal.kind is Kind.ELSEWHERE:
            self._wants_elsewhere = True
        if calls and refusal.kind is Kind.MISCONFIGURED:
            self._findings.doubt()

    async def _disconnect(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()


_FORGETS: Final = "Redis forgets scripts faster than they can be loaded"
"""The advice where Redis does not know a script that it was given just before."""


def _packed_call(call: Call[Any]) -> bytes:
    """The call in Redis' protocol. A deadline is counted here, and appended when the call is sent."""
    command = ("EVALSHA", call.script.digest, len(call.keys), *call.keys, *call.arguments)
    return packed_head(len(command) + call.has_deadline) + b"".join(map(packed_argument, command))
