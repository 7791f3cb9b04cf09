"""Around every request: its id, one log line, the counts, and an answer whatever happens."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from api_shim import responses
from api_shim.http_request import caller_request_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api_shim.metrics import ShimMetrics

_QUIET_ROUTES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines; logged at debug level only."""

_OTHER: Final = "other"
"""A route or method that is none of ours."""

_CLIENT_GONE_STATUS: Final = 499  # nginx' code for it; nobody sees it but logs and metrics

log = structlog.get_logger("api_shim.request")


class RequestContext:
    """The outermost ASGI layer."""

    def __init__(self, app: ASGIApp, metrics: ShimMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = caller_request_id(Headers(scope=scope).get("x-request-id")) or secrets.token_hex(16)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        state = scope.setdefault("state", {})
        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = status or _CLIENT_GONE_STATUS
        except Exception as error:
            # Here and not in the server, whose log would show the exception's text.
            log.error("request_failed", request_id=request_id, exc_info=error)  # noqa: TRY400
            if not status:
                await responses.internal_error()(scope, receive, send_with_id)
        # The route's own path, never what was sent: an unknown path or a query can hold anything.
        route = getattr(scope.get("route"), "path", _OTHER)
        fields = {"task_id": state["task_id"]} if "task_id" in state else {}
        self._tell(request_id, _method(scope), route, status, time.perf_counter() - started, **fields)

    def refused(self, *, request_id: str, status: int) -> None:
        """Count and log what the server refused: it never was a request."""
        self._tell(request_id, _OTHER, _OTHER, status, 0.0)

    def _tell(self, request_id: str, method: str, route: str, status: int, seconds: float, **fields: str) -> None:
        self._metrics.answered(method=method, route=route, status=status, seconds=seconds)
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


def _method(scope: Scope) -> str:
    known = {"GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}
    return scope["method"] if scope["method"] in known else _OTHER
