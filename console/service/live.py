"""Looks at the service once a second while somebody watches, and shows all viewers the same look."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import structlog

from console.service.broker import BrokerAwayError
from console.service.history import History
from console.service.seats import Seats
from console.service.shown import shown
from schemas.protocol.overview import SILENT_SECONDS
from schemas.protocol.steps.overseeing import HISTORY_SECONDS, SAMPLES_A_CALL, read_history, read_overview
from startup.seldom import Seldom

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from console.service.announcing import Announcing
    from console.service.broker import Broker
    from console.service.endpoints import OperatorsEndpoints
    from console.service.history import Point
    from console.service.seats import Seat

LOOK_SECONDS: Final = 1.0
"""Between two looks."""

MOST_VIEWERS: Final = 200
"""Each holds a connection, and gets some kilobytes a second."""

MOST_BATCHES: Final = 20
"""Running batches that are shown. Of more, only their number is."""

_ENDPOINTS_EVERY: Final = 3
"""Every so many looks, endpoints of webhooks are looked at as well."""

_RECENT_SECONDS: Final = 10.0
"""Where the last look was longer ago, nobody has watched since. What viewers see is as old as one that was later."""

_RETRY: Final = b"retry: 1000\n\n"
"""Tells the browser after how many milliseconds to connect again."""

_OWN_FAULT: Final = "console_failed"
"""The reason that viewers are told after a fault of ours."""

_FULL: Final = b"event: full\ndata: {}\n\n"
"""The only event for a viewer who comes when as many watch as may, and the last one for whoever must make room."""

_CLOSING: Final = b"event: closing\ndata: {}\n\n"
"""The last event of a process that stops."""

log = structlog.get_logger("console.live")


class Live:
    """The newest look, and those who wait for the next one."""

    def __init__(self, broker: Broker, endpoints: OperatorsEndpoints, announcing: Announcing) -> None:
        self._broker = broker
        self._announcing = announcing
        self._endpoints = endpoints
        self._shown_endpoints: list[dict[str, Any]] = []
        self._looks = 0
        self._history = History()
        self._unsent: deque[Point] = deque(maxlen=HISTORY_SECONDS)
        self._event: bytes | None = None
        self._news: asyncio.Event = asyncio.Event()
        self._away_since: float | None = None
        self._is_told_away = False
        self._seldom = Seldom()
        self._looked_at = float("-inf")
        self._back_at = 0.0
        self._seats = Seats(most=MOST_VIEWERS)
        self._closing = False
        self._looking: asyncio.Task[None] | None = None
        self._catching_up = asyncio.Lock()

    @property
    def is_closing(self) -> bool:
        """Whether the process stops."""
        return self._closing

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._seats)

    def start(self) -> None:
        """Nothing runs before somebody watches."""

    def stop_watching(self) -> None:
        """Let each viewer know that this process stops, and end their streams."""
        self._closing = True
        self._news.set()

    async def close(self) -> None:
        """Stop looking."""
        self.stop_watching()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def hour(self) -> dict[str, Any]:
        """The last hour, in columns.

        Raises:
            BrokerAwayError: Redis cannot be used, and nothing is known from before.
        """
        if not self._history.place:
            await self._catch_up()
        elif not self._has_looked_lately(time.time()):
            # Nobody has watched for a while. Without Redis, what is known from before is all there is.
            with suppress(BrokerAwayError):
                points = await self._catch_up()
                # Who watches already may have read the hour before.
                self._unsent += points if self._seats else ()
        # While somebody catches up, only a part of the hour is known, and nobody sends a viewer the rest.
        async with self._catching_up:
            points = self._history.points
        return {name: [point[place] for point in points] for place, name in enumerate(_COLUMNS)}

    async def watch(self, name: str, is_over: Callable[[], bool]) -> AsyncGenerator[bytes, None]:
        """Yield an event for each look, until the process stops or the session of this operator `is_over`.

        The generator is closed when its viewer leaves. Where as many watch as may, or another operator needs the place
        more, its last event says so.
        """
        seat = self._seats.take(name)
        if seat is None:
            yield _FULL
            return
        if self._looking is None or self._looking.done():
            self._event = None
            self._looking = asyncio.create_task(self._look(), name="live")
        try:
            yield _RETRY if self._event is None else _RETRY + self._event
            while self._goes_on(seat, is_over):
                await self._news.wait()
                if self._event is not None and self._goes_on(seat, is_over):
                    yield self._event
            yield _CLOSING if self._closing or seat in self._seats else _FULL
        finally:
            self._seats.leave(seat)

    def _goes_on(self, seat: Seat, is_over: Callable[[], bool]) -> bool:
        return not self._closing and seat in self._seats and not is_over()

    async def _look(self) -> None:
        """Look again and again, as long as somebody watches."""
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while self._seats and not self._closing:
            self._event = await self._look_once()
            # Everybody who waits now gets this event; whoever waits next gets the next one.
            self._news.set()
            self._news = asyncio.Event()
            next_at = max(next_at + LOOK_SECONDS, loop.time() + LOOK_SECONDS / 10)
            await asyncio.sleep(next_at - loop.time())

    async def _look_once(self) -> bytes:
        try:
            before = self._history.place
            calls = (read_overview(batches=MOST_BATCHES, processes=True), read_history(after=before))
            overview, samples = await self._broker.run(*calls)
            newest = overview.newest
            if before and newest is not None and not samples and newest.place != before:
                # Another Redis, or one that has lost its data: its samples are others.
                self._history.forget()
            self._unsent += self._history.add(samples)
            if len(samples) >= SAMPLES_A_CALL:
                self._unsent += await self._catch_up()
                if not before:
                    # A viewer that has just come reads the hour by itself.
                    self._unsent.clear()
            # Beside the one atomic look, and seldom: their states are many small things.
            if self._looks % _ENDPOINTS_EVERY == 0:
                self._shown_endpoints = await self._endpoints.all()
            self._looks += 1
            seen = shown(overview, points=list(self._unsent))
            is_cut = len(overview.batches) == MOST_BATCHES
            seen["more_batches"] = overview.unsettled_batches - MOST_BATCHES if is_cut else 0
            # After another Redis has taken over, what a page has of the hour is of the one before.
            seen["hour_is_new"] = bool(samples) and not before
            if self._away_since is not None:
                self._back_at = time.time()
            event = _event("look", {**seen, "broker": self._told_of_broker(), "endpoints": self._shown_endpoints})
        except BrokerAwayError as error:
            return self._broker_away(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end the looks
            return self._failed(error)
        self._note_success()
        self._looked_at = time.time()
        self._unsent.clear()
        return event

    async def _catch_up(self) -> list[Point]:
        """Read all samples that are newer than those that are known. Returns their points."""
        points: list[Point] = []
        async with self._catching_up:
            while True:
                (samples,) = await self._broker.run(read_history(after=self._history.place))
                points += self._history.add(samples)
                if len(samples) < SAMPLES_A_CALL:
                    return points

    def _told_of_broker(self) -> dict[str, Any]:
        """What is known of Redis beside what it tells: whether it takes writes, and whether it does so again."""
        refused = self._announcing.refused
        if refused is not None and refused.until < self._back_at:
            # Redis has answered nobody since, and the next announcement is not due yet.
            refused = None
        back_at = max(self._back_at, self._announcing.taken_again_at)
        return {
            "refused": None
            if refused is None
            else {"code": refused.code, "advice": refused.advice, "since": int(1000 * refused.since)},
            # Since when, for as long as a process that runs may not have been able to say so.
            "back_since": int(1000 * back_at) if time.time() - back_at < SILENT_SECONDS else None,
        }

    def _has_looked_lately(self, now: float) -> bool:
        return now - self._looked_at < _RECENT_SECONDS

    def _broker_away(self, error: BrokerAwayError) -> bytes:
        event = self._away(error.reason, error.advice)
        if not self._is_told_away:
            self._is_told_away = True
            log.warning("broker_away", reason=error.reason)
        return event

    def _failed(self, error: Exception) -> bytes:
        if self._seldom.is_due("look_failed"):
            log.error("look_failed", exc_info=error)
        return self._away(_OWN_FAULT)

    def _note_success(self) -> None:
        if self._is_told_away and self._away_since is not None:
            log.info("broker_back", away_seconds=round(time.time() - self._away_since, 1))
        self._is_told_away, self._away_since = False, None

    def _away(self, reason: str, advice: str = "") -> bytes:
        if self._away_since is None:
            now = time.time()
            self._away_since = self._looked_at if self._has_looked_lately(now) else now
        return _event("stale", {"since": int(1000 * self._away_since), "reason": reason, "advice": advice})


_COLUMNS: Final = ("at", "accepted", "finished", "waiting")
"""The fields of a point, in their order."""


def _event(name: str, content: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), json.dumps(content, separators=(",", ":")).encode())
