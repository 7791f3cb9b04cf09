"""The shim put together: settings, clients, methods and routes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from redis.asyncio import ConnectionPool
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from api_shim import responses
from api_shim.accept import Acceptor, AdmissionLimits
from api_shim.endpoints import CREATE_PATH, RESULT_PATH, Endpoint, Methods
from api_shim.metrics import ShimMetrics
from api_shim.middleware import RequestContext
from api_shim.openapi import openapi_document
from api_shim.probes import Documents, Probes
from api_shim.pubsub import PROTOCOL
from api_shim.redis_calls import RedisCalls
from api_shim.results import Results
from api_shim.settings import ShimSettings, read_shim_settings
from api_shim.subscription import OutcomeSubscription
from api_shim.tokens.callers import Callers
from api_shim.tokens.key_keeper import KeyKeeper
from api_shim.tokens.key_ring import KeyRing
from api_shim.tokens.verifier import TokenVerifier
from schemas.celery_message import MessageTemplate
from schemas.ids import IdDeriver
from schemas.logs import configure_logs
from schemas.sealing import Sealer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

PROBE_SECONDS = 1.0


def create_app_from_environment() -> ASGIApp:
    """What uvicorn calls in each process."""
    settings = read_shim_settings(os.environ)
    configure_logs(level=settings.shared.log_level, log_format=settings.shared.log_format, component="shim")
    return create_app(settings)


def create_app(settings: ShimSettings) -> ASGIApp:
    """The ASGI application; its clients connect when it starts."""
    calls = RedisCalls(settings.shared.redis_url, timeout_seconds=settings.redis_timeout_seconds)
    subscription = OutcomeSubscription(
        ConnectionPool.from_url(
            settings.shared.redis_url, protocol=PROTOCOL, socket_timeout=None, socket_keepalive=True
        ),
        maximum_listeners=settings.maximum_waiting,
    )
    metrics = ShimMetrics(waiting=lambda: subscription.listening)
    token_keys = KeyRing(settings.tokens)
    keeper = KeyKeeper(settings.tokens, token_keys, metrics)
    methods = Methods(
        callers=Callers(TokenVerifier(settings.tokens, token_keys), keeper),
        create_scope=settings.tokens.create_scopes[0],
        acceptor=Acceptor(
            calls,
            sealer=Sealer(settings.sealing_key_id, settings.sealing_key),
            ids=IdDeriver(settings.shared.id_key),
            message=MessageTemplate(),
            limits=AdmissionLimits(
                open_tasks=settings.maximum_open_tasks,
                rate_per_second=settings.rate_per_second,
                rate_burst=settings.rate_burst,
                seconds=settings.redis_timeout_seconds,
            ),
        ),
        results=Results(calls, subscription),
        metrics=metrics,
        maximum_body_bytes=settings.maximum_body_bytes,
    )
    probes = Probes(calls, subscription, metrics, awaits_keys=lambda: token_keys.awaits_keys)
    documents = Documents(json.dumps(openapi_document(prefix=settings.prefix)).encode())

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        calls.start()
        subscription.start()
        keeper.start()
        _drain_on_signals(subscription)
        yield
        await keeper.close()
        await subscription.close()
        await calls.close()

    prefixes = dict.fromkeys(("", settings.prefix))
    create, result = Endpoint(methods.create), Endpoint(methods.result)
    routes = [
        *(Route(f"{prefix}{CREATE_PATH}", create, methods=["POST"]) for prefix in prefixes),
        *(Route(f"{prefix}{RESULT_PATH}", result, methods=["GET", "POST"]) for prefix in prefixes),
        Route("/healthz", probes.healthz),
        Route("/readyz", probes.readyz),
        Route("/metrics", probes.metrics),
        Route("/openapi.json", documents.openapi),
        Route("/docs", documents.page),
        Route("/docs/{name}", documents.page),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _http_exception}, lifespan=lifespan)
    app.router.redirect_slashes = False
    return RequestContext(app, routes, metrics)


async def _http_exception(_request: Request, error: Exception) -> Any:
    if isinstance(error, HTTPException) and error.status_code == 405:  # noqa: PLR2004
        return responses.method_not_allowed((error.headers or {}).get("Allow", ""))
    return responses.not_found()


def _drain_on_signals(subscription: OutcomeSubscription) -> None:
    """Answer waiting calls as soon as the process is told to stop.

    uvicorn waits for open requests before it ends the lifespan, so this listens to the signal itself, and then lets
    uvicorn's own handler have it.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        previous = signal.getsignal(number)

        def handle(number: int, frame: Any, previous: Any = previous) -> None:
            loop.call_soon_threadsafe(subscription.drain)
            if callable(previous):
                previous(number, frame)

        signal.signal(number, handle)
