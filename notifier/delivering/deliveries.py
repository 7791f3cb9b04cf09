"""Delivers the events of one endpoint while this notifier sends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

import structlog

from notifier.broker.redis_calls import BrokerAwayError
from schemas.events import event_payload
from schemas.protocol.steps.delivering import (
    Ending,
    EndpointChange,
    Refused,
    TakenEvents,
    Tried,
    end_try,
    take_events,
)

if TYPE_CHECKING:
    from notifier.broker.lease import Lease
    from notifier.broker.redis_calls import RedisCalls
    from notifier.delivering.webhook_traces import WebhookTrace, WebhookTraces
    from notifier.endpoints.endpoint import Endpoint
    from notifier.metrics import NotifierMetrics
    from notifier.sending.answers import Answer
    from notifier.sending.sender import Sender
    from notifier.settings import NotifierSettings
    from schemas.protocol.steps.delivering import TakenEvent

_LOOK_SECONDS: Final = 1.0
"""How long it takes at most until an endpoint that an operator has switched on, or retries, is sent events."""
_AGAIN_SECONDS: Final = 0.5
"""How long to wait until Redis is told once more what came of a try."""

log = structlog.get_logger("notifier.deliveries")


class Deliveries:
    """Takes the events of one endpoint from Redis, tries them, and writes back what came of it."""

    def __init__(
        self,
        endpoint: Endpoint,
        sender: Sender,
        *,
        calls: RedisCalls,
        lease: Lease,
        settings: NotifierSettings,
        metrics: NotifierMetrics,
        traces: WebhookTraces,
    ) -> None:
        """Nothing is taken yet.

        Args:
            endpoint: whose events.
            sender: sends to this endpoint.
            calls: to Redis.
            lease: while it lasts, this notifier sends.
            settings: of the notifier.
            metrics: counts.
            traces: records tries.
        """
        self._endpoint = endpoint
        self._sender = sender
        self._calls = calls
        self._lease = lease
        self._settings = settings
        self._metrics = metrics
        self._traces = traces
        # Of an endpoint that wants events in order, one is tried, and none behind it before it is delivered.
        self._at_once = 1 if endpoint.is_strict else settings.sending.connections
        self._most_waiting = 1 if endpoint.is_strict else settings.most_waiting
        self._trying: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._stopping = False

    @property
    def trying(self) -> int:
        """How many events are being tried."""
        return len(self._trying)

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    def stop(self) -> None:
        """Take no more events. `run` returns when those that are being tried have ended."""
        self._stopping = True
        self.wake()

    async def run(self) -> None:
        """Deliver until `stop` is called or the lease is lost.

        Raises:
            BrokerAwayError: it is not known which events were handed out. Whoever sends next gets them.
        """
        try:
            while not self._stopping and not self._lease.is_lost:
                self._woken.clear()
                await self._wait(await self._take())
        finally:
            # What was tried must be written, whatever happens.
            while self._trying:
                await asyncio.wait(self._trying)

    async def _take(self) -> float:
        """Take events and begin to try them. Returns for how many seconds there is nothing more to do."""
        room = self._at_once - len(self._trying)
        # A try that lasted longer than the lease could overtake one of the notifier that sends next.
        if room <= 0 or not self._lease.lasts(self._settings.sending.timeout_seconds):
            return _LOOK_SECONDS
        reply = await self._calls.run(
            take_events(
                self._lease.holder,
                self._endpoint.name,
                most=room,
                most_waiting=self._most_waiting,
                longest_seconds=self._settings.retries.longest_pause_seconds,
                types=self._endpoint.types,
                callers=self._endpoint.callers,
            )
        )
        if not isinstance(reply, TakenEvents):
            self._lease.is_lost = reply is Refused.LOST
            return _LOOK_SECONDS
        for taken in reply.events:
            task = asyncio.create_task(self._try(taken))
            self._trying.add(task)
            task.add_done_callback(self._tried)
        if reply.has_more:
            return 0.0
        return _LOOK_SECONDS if reply.next_seconds is None else min(_LOOK_SECONDS, reply.next_seconds)

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    def _tried(self, task: asyncio.Task[None]) -> None:
        self._trying.discard(task)
        self.wake()
        if not task.cancelled() and (error := task.exception()) is not None:
            # The event is in nobody's hand any more. Whoever sends next gets it.
            log.error("try_failed", endpoint=self._endpoint.name, exc_info=error)
            self._lease.is_lost = True

    async def _try(self, taken: TakenEvent) -> None:
        began = time.monotonic()
        event = taken.event
        payload = event_payload(event.type, at_milliseconds=event.at_milliseconds, data=event.data)
        trace = self._traces.begin(taken)
        answer = await self._sender.send(event.id, payload, traceparent=trace.traceparent)
        trace.end(self._endpoint.name, answer)
        seconds = time.monotonic() - began
        tried = self._judge(taken, answer, seconds)
        self._tell(taken, answer, tried, trace)
        change = await self._write(tried)
        if change is EndpointChange.OFF:
            log.error("endpoint_off", endpoint=self._endpoint.name, outcome=answer.outcome)

    def _judge(self, taken: TakenEvent, answer: Answer, seconds: float) -> Tried:
        pause_seconds = None
        if not answer.is_delivered:
            pause_seconds = self._settings.retries.pause_seconds(
                taken.tries + 1,
                since_first_seconds=taken.since_first_seconds + seconds,
                asked_seconds=answer.retry_after_seconds,
            )
        ending = (
            Ending.DELIVERED
            if answer.is_delivered
            else Ending.GIVEN_UP
            if pause_seconds is None and not answer.is_gone
            else Ending.FAILED
        )
        return Tried(
            place=taken.place,
            ending=ending,
            outcome=answer.outcome,
            pause_seconds=pause_seconds or 0.0,
            try_seconds=seconds,
            is_gone=answer.is_gone,
        )

    def _tell(self, taken: TakenEvent, answer: Answer, tried: Tried, trace: WebhookTrace) -> None:
        name, event = self._endpoint.name, taken.event
        self._metrics.tried(name, answer.outcome, seconds=tried.try_seconds)
        fields = {"endpoint": name, "event_id": event.id, "outcome": answer.outcome, "tries": taken.tries + 1}
        fields |= trace.fields
        if tried.ending is not Ending.FAILED:
            # Redis' clock says when it happened, and may be ahead of this machine's.
            delay_seconds = max(0.0, time.time() - event.at_milliseconds / 1000)
            self._metrics.ended(name, tried.ending, delay_seconds=delay_seconds)
            fields["seconds"] = round(delay_seconds, 3)
        if answer.detail:
            fields["detail"] = answer.detail
        if tried.ending is Ending.DELIVERED:
            log.info("event_delivered", **fields)
        elif tried.ending is Ending.FAILED:
            log.warning("event_not_delivered", next_seconds=round(tried.pause_seconds, 1), **fields)
        else:
            log.error("event_given_up", **fields)

    async def _write(self, tried: Tried) -> EndpointChange:
        while True:
            try:
                change = await self._calls.run(
                    end_try(self._lease.holder, self._endpoint.name, tried, off_seconds=self._settings.off_seconds)
                )
            except BrokerAwayError:
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            if change is EndpointChange.LOST:
                self._lease.is_lost = True
            return change
