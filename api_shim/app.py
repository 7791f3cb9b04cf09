"""The shim put together: settings, clients, methods and routes."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.routing import Route

from api_shim.broker.absence import Absence
from api_shim.broker.broker_errors import BrokerUnavailableError
from api_shim.broker.overviews import Overviews
from api_shim.broker.redis_calls import RedisCalls
from api_shim.broker.redis_reports import BROKER, RedisReports
from api_shim.broker.redis_watch import RedisWatch
from api_shim.broker.server_findings import ServerFindings
from api_shim.hearing import Hearing
from api_shim.intake.accept import Acceptor, AdmissionLimits
from api_shim.intake.accept_and_wait import AcceptAndWait
from api_shim.intake.batches.batch_rows import BatchRows
from api_shim.intake.batches.batches import Batches
from api_shim.intake.batches.chunks import ChunkAcceptor, UploadLimits
from api_shim.intake.batches.upload import Uploads
from api_shim.intake.events import EventReader
from api_shim.intake.results import Results
from api_shim.interface.documents import Documents
from api_shim.methods.batch_methods import (
    BATCH_CANCEL_PATH,
    BATCH_LIST_PATH,
    BATCH_PATH,
    BATCH_RESULT_PATH,
    BATCH_ROWS_PATH,
    BatchMethods,
)
from api_shim.methods.batch_upload import BatchUploads
from api_shim.methods.customer_methods import CREATE_PATH, RESULT_PATH, CustomerMethods
from api_shim.methods.doorkeeper import Doorkeeper
from api_shim.methods.event_methods import EVENTS_PATH, EventMethods
from api_shim.metrics import ShimMetrics
from api_shim.probes import Probes
from api_shim.settings import ShimSettings, read_shim_settings
from edge.answers.fallbacks import HANDLERS
from edge.answers.refusals import Refusals
from edge.bodies import Bodies
from edge.bounds import RequestsAtOnce, UploadsAtOnce
from edge.context import METRICS_PATH, RequestContext
from edge.endpoint import Endpoint
from edge.server.serving import begin_to_serve
from edge.tokens.callers import Callers
from edge.tokens.key_keeper import KeyKeeper
from edge.tokens.key_ring import KeyRing
from edge.tokens.verifier import TokenVerifier
from schemas.ids import IdDeriver
from schemas.protocol.lanes import CHUNKS
from schemas.protocol.message import MessageTemplate
from schemas.protocol.overview import ROOM
from schemas.sealing import Sealer
from startup.background.announcements import Announcements
from startup.background.parts import running
from startup.identity import Identity
from startup.logs import configure_logs
from startup.process import prepare_service
from startup.tracing.tracing import open_tracing
from startup.unhandled import tell_unhandled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp

    from startup.tracing.tracing import Tracing

_TRIES: Final = 2
"""How often accepting a request may ask Redis. Where the first reply is lost or late, the second tells what became of
the call."""

_BETWEEN_TRIES_SECONDS: Final = 0.25
"""What the two tries may take beside Redis' own time."""


def create_app_from_environment() -> ASGIApp:
    """Make the application of one process; uvicorn calls this in each."""
    prepare_service("shim")
    try:
        settings = read_shim_settings(os.environ)
        configure_logs(level=settings.shared.log_level, log_format=settings.shared.log_format, component="shim")
        return create_app(settings)
    except Exception as error:  # noqa: BLE001 - of whatever gets out here, multiprocessing prints the text
        tell_unhandled("process", error)
        raise SystemExit(1) from None


def create_app(settings: ShimSettings) -> ASGIApp:
    """The ASGI application; its clients connect when it starts."""
    metrics = ShimMetrics()
    tracing = open_tracing(settings.shared.traces, metrics.traces, component="shim")
    reports = RedisReports(metrics)
    hearing = Hearing(
        settings.shared.redis_url, maximum_waiting=settings.maximum_waiting, reports=reports, metrics=metrics
    )
    subscription = hearing.outcomes
    findings = ServerFindings(reports, allowed=settings.redis_allowed, copies=settings.redis_copies)
    calls = RedisCalls(
        settings.shared.redis_url,
        timeout_seconds=settings.redis_timeout_seconds,
        findings=findings,
        reports=reports,
        copies=settings.redis_copies,
        on_elsewhere=hearing.renew,
    )
    watch = RedisWatch(calls, findings)
    token_keys = KeyRing(settings.tokens)
    keeper = KeyKeeper(settings.tokens, token_keys, metrics.edge)
    refusals = Refusals(metrics.edge.turned_away)
    bodies = Bodies(refusals, maximum_bytes=settings.maximum_body_bytes, seconds=settings.edge.body_seconds)
    uploads_at_once = UploadsAtOnce(refusals, maximum=settings.batches.maximum_uploads, on_running=metrics.uploading)
    at_once = RequestsAtOnce(
        refusals,
        maximum=settings.edge.maximum_requests,
        # Uploads have a bound of their own, so that slow ones take no room from signups.
        waiting=lambda: hearing.waiting + uploads_at_once.running,
    )
    sealer = Sealer(settings.sealing_key_id, settings.sealing_key)
    ids = IdDeriver(settings.shared.id_key)
    seconds = _TRIES * settings.redis_timeout_seconds + _BETWEEN_TRIES_SECONDS
    acceptor = Acceptor(
        calls,
        sealer=sealer,
        ids=ids,
        message=MessageTemplate(),
        limits=AdmissionLimits(
            open_tasks=settings.maximum_open_tasks,
            rate_per_second=settings.rate_per_second,
            rate_burst=settings.rate_burst,
            seconds=seconds,
        ),
    )
    absence = Absence(calls, findings)
    overviews = Overviews(calls)
    identity = Identity("shim")
    announcements = Announcements(
        calls.run,
        away=BrokerUnavailableError,
        name=identity.name,
        details=lambda: identity.details(
            holds={"calls": hearing.waiting, "uploads": uploads_at_once.running},
            done=metrics.promised(),
            taking=not (hearing.draining or findings.missing or token_keys.awaits_keys),
            away={
                name: since
                for name, since in (
                    (BROKER, findings.missing_since_milliseconds),
                    (ROOM, at_once.full_since_milliseconds),
                )
                if since is not None
            },
            refused={BROKER: why} if (why := findings.missing_in_words) else {},
        ),
    )
    results = Results(subscription, absence, overviews)
    doorkeeper = Doorkeeper(
        Callers(TokenVerifier(settings.tokens, token_keys), keeper),
        create_scope=settings.tokens.create_scopes[0],
        metrics=metrics,
    )
    customer_methods = CustomerMethods(
        doorkeeper=doorkeeper,
        accept_and_wait=AcceptAndWait(acceptor, results),
        results=results,
        metrics=metrics,
        bodies=bodies,
    )
    chunks = ChunkAcceptor(
        calls,
        sealer=sealer,
        ids=ids,
        message=MessageTemplate(CHUNKS),
        limits=UploadLimits(
            longest_row_bytes=settings.maximum_body_bytes,
            batch_rows=settings.batches.maximum_rows,
            open_rows=settings.batches.maximum_open_rows,
            open_batches=settings.batches.maximum_open_batches,
            rate_per_second=settings.rate_per_second,
            rate_burst=settings.rate_burst,
            seconds=seconds,
            patience_seconds=settings.batches.wait_seconds,
        ),
        is_ending=lambda: bodies.is_hurried,
    )
    batch_methods = BatchMethods(
        doorkeeper=doorkeeper,
        bodies=bodies,
        uploads=BatchUploads(
            Uploads(calls, chunks, on_accepted=metrics.rows_accepted),
            bodies,
            at_once=uploads_at_once,
            maximum_bytes=settings.batches.maximum_bytes,
            metrics=metrics,
        ),
        batches=Batches(calls, subscription, absence),
        batch_rows=BatchRows(calls, subscription),
    )
    event_methods = EventMethods(doorkeeper=doorkeeper, events=EventReader(hearing.events, absence))
    probes = Probes(
        calls,
        subscription,
        metrics,
        news=hearing.events,
        watch=watch,
        overviews=overviews,
        announcements=announcements,
        awaits_keys=lambda: token_keys.awaits_keys,
        keeping_keys=keeper.tasks,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
        state = begin_to_serve(settings.edge, refusals, bodies, drain=hearing.drain)
        async with running(calls, hearing.outcomes, hearing.events, watch, overviews, announcements, keeper):
            yield state
        await _close(tracing)

    methods_routes = [
        Route(f"{prefix}{path}", at_once.around(Endpoint(method, away=BrokerUnavailableError)), methods=verbs)
        for prefix in dict.fromkeys(("", settings.prefix))
        for path, method, verbs in (
            (CREATE_PATH, customer_methods.create, ["POST"]),
            (RESULT_PATH, customer_methods.result, ["GET", "POST"]),
            (BATCH_PATH, batch_methods.create, ["POST"]),
            (BATCH_RESULT_PATH, batch_methods.result, ["GET", "POST"]),
            (BATCH_ROWS_PATH, batch_methods.rows, ["GET"]),
            (BATCH_CANCEL_PATH, batch_methods.cancel, ["POST"]),
            (BATCH_LIST_PATH, batch_methods.list, ["GET"]),
            (EVENTS_PATH, event_methods.read, ["GET"]),
        )
    ]
    routes = [
        *methods_routes,
        Route("/healthz", probes.healthz),
        Route("/readyz", probes.readyz),
        Route(METRICS_PATH, probes.metrics),
    ]
    if settings.docs:
        documents = Documents(prefix=settings.prefix)
        routes += [
            Route("/openapi.json", documents.openapi),
            Route("/docs", documents.page),
            Route("/docs/{name}", documents.page),
        ]
    app = Starlette(routes=routes, exception_handlers=HANDLERS, lifespan=lifespan)
    app.router.redirect_slashes = False
    return RequestContext(
        app,
        metrics.edge,
        routes=methods_routes,
        draining=lambda: hearing.draining,
        metrics_port=settings.edge.metrics_port,
        tracing=tracing,
    )


async def _close(tracing: Tracing | None) -> None:
    if tracing is not None:
        await asyncio.to_thread(tracing.close)
