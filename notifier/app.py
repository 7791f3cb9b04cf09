"""The notifier put together, and run until a signal stops it."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import start_http_server

from notifier.broker.redis_calls import BrokerAwayError, RedisCalls
from notifier.delivering.notifier import Notifier
from notifier.endpoints.endpoints import Endpoints
from notifier.metrics import NotifierMetrics
from notifier.sending.tls import tls_of_endpoints
from startup.background.announcements import Announcements
from startup.background.parts import running
from startup.environment import SettingsError
from startup.identity import Identity
from startup.linear_h11 import make_h11_linear
from startup.tracing.tracing import open_tracing
from startup.unhandled import in_event_loop

if TYPE_CHECKING:
    from notifier.settings import NotifierSettings

_STOP_BEYOND_TRY_SECONDS: Final = 2.0
"""How much longer than a try it may take to stop. Redis may be away, so that nothing can be written."""

log = structlog.get_logger("notifier.app")


async def run_notifier(settings: NotifierSettings) -> None:
    """Send events until SIGTERM or SIGINT. On SIGHUP the file of endpoints is read again.

    Raises:
        SettingsError: the settings cannot be used.
    """
    # A receiver could otherwise hold the process up by the head of an answer.
    make_h11_linear()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(in_event_loop)
    metrics = NotifierMetrics()
    tracing = open_tracing(settings.traces, metrics.traces, component="notifier")
    endpoints = Endpoints(settings.file, allow_http=settings.sending.allow_http, on_faulty=metrics.file_faulty)
    tls = tls_of_endpoints(settings.sending.ca_file)
    _serve_metrics(settings, metrics)
    calls = RedisCalls(settings.redis_url, metrics)
    notifier = Notifier(settings, endpoints=endpoints, calls=calls, metrics=metrics, tls=tls, tracing=tracing)
    identity = Identity("notifier")
    announcements = Announcements(
        calls.run,
        away=BrokerAwayError,
        name=identity.name,
        details=lambda: identity.details(
            holds={"tries": notifier.trying}, done=metrics.delivered(), taking=notifier.sends
        ),
    )
    sending = asyncio.create_task(notifier.run())

    def stop() -> None:
        notifier.stop()
        loop.call_later(settings.sending.timeout_seconds + _STOP_BEYOND_TRY_SECONDS, cancel)

    def cancel() -> None:
        # Again and again: see `notifier.delivering.notifier`.
        sending.cancel()
        loop.call_later(_STOP_BEYOND_TRY_SECONDS, cancel)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, notifier.read_endpoints_again)
    log.info("notifier_ready", endpoints=len(endpoints.all))
    try:
        async with running(announcements):
            await sending
    except asyncio.CancelledError:
        log.warning("notifier_stopped_early")
    finally:
        await calls.close()
        if tracing is not None:
            await asyncio.to_thread(tracing.close)


def _serve_metrics(settings: NotifierSettings, metrics: NotifierMetrics) -> None:
    if settings.metrics_port:
        try:
            start_http_server(settings.metrics_port, settings.metrics_host, metrics.registry)
        except (OSError, UnicodeError) as error:  # the second where it cannot be a host's name at all
            reason = getattr(error, "strerror", None) or "not an address of this machine"
            sentence = f"INTAKE_NOTIFIER_METRICS_HOST, INTAKE_NOTIFIER_METRICS_PORT: cannot listen there ({reason})"
            raise SettingsError([sentence]) from None
