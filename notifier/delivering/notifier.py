"""Sends the events of all endpoints while this process is the one that sends."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Final

import structlog

from notifier.broker.arrivals import Arrivals
from notifier.broker.lease import Lease
from notifier.broker.redis_calls import BrokerAwayError
from notifier.delivering.deliveries import Deliveries
from notifier.delivering.webhook_traces import WebhookTraces
from notifier.sending.sender import Sender
from schemas.protocol.steps.delivering import read_endpoint
from startup.background.ending import cancel_until_ended

if TYPE_CHECKING:
    import ssl

    from notifier.broker.redis_calls import RedisCalls
    from notifier.endpoints.endpoint import Endpoint
    from notifier.endpoints.endpoints import Endpoints
    from notifier.metrics import NotifierMetrics
    from notifier.settings import NotifierSettings
    from startup.tracing.tracing import Tracing

_BEYOND_TRY_SECONDS: Final = (1.0, 5.0)
"""How much longer than a try the lease lasts, at least and at most: as long as a try, between these.

After a notifier was killed, another one may send when the lease has run out.
"""
_RENEWALS: Final = 5
"""How often the lease is renewed in that time."""
_STANDING_BY_SECONDS: Final = 1.0
"""How often a notifier that does not send asks whether it may."""
_STATES_SECONDS: Final = 5.0
"""How often the endpoints' states are read for the metrics."""

log = structlog.get_logger("notifier.notifier")


class Notifier:
    """Takes the lease, delivers while it has it, and takes it again when it was lost."""

    def __init__(
        self,
        settings: NotifierSettings,
        *,
        endpoints: Endpoints,
        calls: RedisCalls,
        metrics: NotifierMetrics,
        tls: ssl.SSLContext,
        tracing: Tracing | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            settings: of the notifier.
            endpoints: whom to send to.
            calls: to Redis.
            metrics: counts.
            tls: whose certificates are trusted.
            tracing: records tries; None where traces are off.
        """
        self._settings = settings
        self._endpoints = endpoints
        self._calls = calls
        self._metrics = metrics
        self._tls = tls
        self._traces = WebhookTraces(tracing)
        least, most = _BEYOND_TRY_SECONDS
        self._beyond_try_seconds = min(most, max(least, settings.sending.timeout_seconds))
        self._changed = asyncio.Event()
        self._stopping = False
        self.sends = False
        """Whether this notifier has the lease."""
        self._running: dict[str, tuple[Endpoint, Deliveries, asyncio.Task[None]]] = {}

    @property
    def trying(self) -> int:
        """How many tries are under way."""
        return sum([deliveries.trying for _, deliveries, _task in self._running.values()])

    def stop(self) -> None:
        """Begin no try any more. `run` returns when those that were begun have ended."""
        self._stopping = True
        self._changed.set()

    def read_endpoints_again(self) -> None:
        """Read the file of endpoints again and go by it. A file with a fault changes nothing."""
        if self._endpoints.read_again():
            self._changed.set()

    async def run(self) -> None:
        """Send until `stop` is called."""
        holder = ""
        while not self._stopping:
            # What was handed out under another name is handed out anew.
            previous, holder = holder, secrets.token_hex(8)
            lease = Lease(
                self._calls,
                holder=holder,
                previous=previous,
                seconds=self._settings.sending.timeout_seconds + self._beyond_try_seconds,
            )
            if await self._taken(lease):
                await self._send(lease)
            if not self._stopping:
                # What made it lose the lease may be there still.
                self._changed.clear()
                await self._pause(_STANDING_BY_SECONDS)

    async def _taken(self, lease: Lease) -> bool:
        """Wait until this notifier may send. False if it is stopped before."""
        is_first = True
        while not self._stopping:
            with contextlib.suppress(BrokerAwayError):
                if await lease.take():
                    return True
                if is_first:
                    log.info("notifier_stands_by")
                    is_first = False
            await self._pause(_STANDING_BY_SECONDS)
        return False

    async def _send(self, lease: Lease) -> None:
        """Send while the lease lasts."""
        log.info("notifier_sends", endpoints=[each.name for each in self._endpoints.all])
        self._tell_whether_it_sends(True)
        beside = [
            asyncio.create_task(lease.keep(every_seconds=self._beyond_try_seconds / _RENEWALS)),
            asyncio.create_task(Arrivals(self._calls, self._wake).run()),
            asyncio.create_task(self._read_states()),
        ]
        try:
            while not self._stopping and not lease.is_lost:
                self._changed.clear()
                self._follow_file(lease)
                await self._pause(_STANDING_BY_SECONDS)
        finally:
            for _, deliveries, _task in self._running.values():
                deliveries.stop()
            await asyncio.gather(*[task for *_, task in self._running.values()], return_exceptions=True)
            self._running.clear()
            await cancel_until_ended(beside)
            self._tell_whether_it_sends(False)
            if self._stopping:
                await lease.leave()

    def _tell_whether_it_sends(self, sends: bool) -> None:
        self.sends = sends
        self._metrics.sends(sends)

    def _follow_file(self, lease: Lease) -> None:
        """Begin with endpoints that are new in the file, and end with those that are not in it any more."""
        wanted = {each.name: each for each in self._endpoints.all}
        for name, (endpoint, deliveries, task) in [*self._running.items()]:
            if wanted.get(name) != endpoint:
                deliveries.stop()
            if task.done():
                del self._running[name]
        for name, endpoint in wanted.items():
            if name not in self._running:
                self._begin(endpoint, lease)

    def _begin(self, endpoint: Endpoint, lease: Lease) -> None:
        sender = Sender(
            endpoint,
            timeout_seconds=self._settings.sending.timeout_seconds,
            connections=self._settings.sending.connections,
            allowed=self._settings.sending.allowed,
            tls=self._tls,
        )
        deliveries = Deliveries(
            endpoint,
            sender,
            calls=self._calls,
            lease=lease,
            settings=self._settings,
            metrics=self._metrics,
            traces=self._traces,
        )

        async def run() -> None:
            try:
                async with sender:
                    await deliveries.run()
            except BrokerAwayError:
                lease.is_lost = True
            except Exception as error:
                log.exception("deliveries_failed", endpoint=endpoint.name, exc_info=error)
                lease.is_lost = True
            finally:
                self._changed.set()

        self._running[endpoint.name] = (endpoint, deliveries, asyncio.create_task(run()))

    def _wake(self) -> int:
        for _, deliveries, _task in self._running.values():
            deliveries.wake()
        return len(self._running)

    async def _read_states(self) -> None:
        while True:
            with contextlib.suppress(BrokerAwayError):
                states = {each.name: await self._calls.run(read_endpoint(each.name)) for each in self._endpoints.all}
                self._metrics.states({name: state for name, state in states.items() if state is not None})
            await asyncio.sleep(_STATES_SECONDS)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
