"""The console put together: settings, clients, endpoints and routes."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import Route

from console.service.announcing import Announcing
from console.service.broker import Broker, BrokerAwayError
from console.service.endpoints import OperatorsEndpoints
from console.service.finder import Finder
from console.service.live import Live
from console.service.operators_letters import OperatorsLetters
from console.settings import ConsoleSettings, read_console_settings
from console.web.act_methods import ActMethods
from console.web.guard import Guard
from console.web.look_methods import LookMethods
from console.web.page_files import PageFiles
from console.web.session_methods import SessionMethods
from console.web.sessions import Sessions
from edge.answers import responses
from edge.answers.fallbacks import HANDLERS
from edge.answers.refusals import Refusals
from edge.bodies import Bodies
from edge.context import RequestContext
from edge.endpoint import Endpoint
from edge.metrics import EdgeMetrics
from edge.server.serving import begin_to_serve
from edge.tokens.callers import Callers
from edge.tokens.key_keeper import KeyKeeper
from edge.tokens.key_ring import KeyRing
from edge.tokens.verifier import TokenVerifier
from startup.background.announcements import Announcements
from startup.background.parts import running
from startup.identity import Identity
from startup.logs import configure_logs
from startup.process import prepare_service
from startup.unhandled import tell_unhandled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from edge.answers.answer import Answer

_MOST_BODY_BYTES: Final = 16 * 1024
"""Bodies of acts are a few fields."""


def create_app_from_environment() -> ASGIApp:
    """Make the application; uvicorn calls this."""
    prepare_service("console")
    try:
        settings = read_console_settings(os.environ)
        configure_logs(level=settings.log_level, log_format=settings.log_format, component="console")
        return create_app(settings)
    except Exception as error:  # noqa: BLE001 - of whatever gets out here, uvicorn prints the text
        tell_unhandled("process", error)
        raise SystemExit(1) from None


def create_app(settings: ConsoleSettings) -> ASGIApp:
    """The ASGI application; it connects to Redis when it starts."""
    # Nobody reads these counts: the console has few users.
    metrics = EdgeMetrics(CollectorRegistry())
    refusals = Refusals(metrics.turned_away)
    bodies = Bodies(refusals, maximum_bytes=_MOST_BODY_BYTES, seconds=settings.edge.body_seconds)
    token_keys = KeyRing(settings.tokens)
    keeper = KeyKeeper(settings.tokens, token_keys, metrics)
    broker = Broker(settings.redis_url, timeout_seconds=settings.redis_timeout_seconds)
    # Whatever operators ask for, however often, the looks go on.
    looking = Broker(settings.redis_url, timeout_seconds=settings.redis_timeout_seconds)
    announcing = Announcing(looking)
    live = Live(looking, OperatorsEndpoints(looking), announcing)
    sessions = Sessions(
        Callers(TokenVerifier(settings.tokens, token_keys), keeper),
        broker,
        key=settings.session_key,
        seconds=settings.session_seconds,
    )
    guard, letters = Guard(sessions), OperatorsLetters(broker)
    of_sessions = SessionMethods(guard, sessions)
    looks = LookMethods(guard, sessions, live=live, finder=Finder(broker), letters=letters)
    acts = ActMethods(guard, bodies, broker=broker, letters=letters, endpoints=OperatorsEndpoints(broker))
    page = PageFiles()
    identity = Identity("console")
    announcements = Announcements(
        announcing.run,
        away=BrokerAwayError,
        name=identity.name,
        details=lambda: identity.details(holds={"viewers": live.viewers}, done=0, taking=not live.is_closing),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
        state = begin_to_serve(settings.edge, refusals, bodies, drain=live.stop_watching)
        async with running(keeper, live, announcements):
            yield state
        broker.close()
        looking.close()

    routes = [
        Route(f"/api/{path}", Endpoint(method), methods=[verb])
        for verb, path, method in (
            ("GET", "session", of_sessions.tell),
            ("POST", "session", of_sessions.begin),
            ("DELETE", "session", of_sessions.end),
            ("GET", "live", looks.live),
            ("GET", "hour", looks.hour),
            ("GET", "find", looks.find),
            ("GET", "dead-letters", looks.dead_letters),
            ("POST", "dead-letters/requeue", acts.requeue),
            ("POST", "dead-letters/drop", acts.drop),
            ("POST", "batches/cancel", acts.cancel_batch),
            ("POST", "endpoints/switch", acts.switch_endpoint),
            ("POST", "pause", acts.pause),
        )
    ]
    routes += [
        Route("/healthz", _healthz),
        Route("/", page.file),
        Route("/{path:path}", page.file),
    ]
    app = Starlette(routes=routes, exception_handlers=HANDLERS, lifespan=lifespan)
    app.router.redirect_slashes = False
    return RequestContext(app, metrics, draining=lambda: live.is_closing)


async def _healthz(_request: Request) -> Answer:
    """200 while the process serves. It serves on while Redis is away: that is when people look."""
    return responses.healthy()
