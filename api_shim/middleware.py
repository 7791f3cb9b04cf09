"""Around every request: its id, one log line, the counts, and an answer whatever happens."""

from __future__ import annotations

import itertools
import secrets
import time
from typing import TYPE_CHECKING, Final

import structlog
from starlette.requests import ClientDisconnect

from api_shim import responses
from api_shim.http_request import caller_request_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import Route
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api_shim.metrics import ShimMetrics

_QUIET_ROUTES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines; logged at debug level only."""

_METHODS: Final = frozenset({"GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"})

_OTHER: Final = "other"
"""A route or method that is none of ours."""

_CLIENT_GONE_STATUS: Final = 499  # nginx' code for it; nobody sees it but logs and metrics

_PROCESS: Final = secrets.token_hex(8)
_numbers: Final = itertools.count(secrets.randbits(32))

log = structlog.get_logger("api_shim.request")


class RequestContext:
    """The outermost ASGI layer."""

    def __init__(self, app: ASGIApp, routes: Sequence[Route], metrics: ShimMetrics) -> None:
        self._app = app
        self._metrics = metrics
        # A router tries one pattern after the other, in layers of its own: most requests name one of few known paths.
        self._known = {
            (method, route.path): route
            for route in routes
            for method in route.methods or ()
            if not route.param_convertors
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode("ascii"))]
            await send(message)

        state = scope.setdefault("state", {})
        known = self._known.get((scope["method"], scope["path"]))
        try:
            if known is None:
                await self._app(scope, receive, send_with_id)
            else:
                scope["route"] = known
                await known.app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = status or _CLIENT_GONE_STATUS
        except Exception as error:
            # Here and not in the server, whose log would show the exception's text.
            log.error("request_failed", request_id=request_id, exc_info=error)  # noqa: TRY400
            if not status:
                await responses.internal_error()(scope, receive, send_with_id)
        # The route's own path, never what was sent: an unknown path or a query can hold anything.
        route = getattr(scope.get("route"), "path", _OTHER)
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        seconds = time.perf_counter() - started
        self._metrics.answered(method=method, route=route, status=status, seconds=seconds)
        fields = {name: state[name] for name in ("task_id", "reason") if name in state}
        write = log.debug if route in _QUIET_ROUTES else log.info
        write(
            "request",
            request_id=request_id,
            method=method,
            route=route,
            status=status,
            milliseconds=round(1000 * seconds, 2),
            **fields,
        )

    def refused(self, *, request_id: str, status: int) -> None:
        """Count and log what the server refused: it never was a request."""
        self._metrics.answered(method=_OTHER, route=_OTHER, status=status, seconds=0.0)
        log.info("request", request_id=request_id, method=_OTHER, route=_OTHER, status=status)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return caller_request_id(value.decode("latin-1")) or new_request_id()
    return new_request_id()


def new_request_id() -> str:
    """An id that no other request has: the process' own part, and a number."""
    return f"{_PROCESS}{next(_numbers):016x}"
