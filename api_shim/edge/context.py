"""Around every request: its id, one log line, the counts, and an answer whatever happens."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from typing import TYPE_CHECKING, Final

import structlog
from starlette.requests import ClientDisconnect

from api_shim.edge import responses
from api_shim.edge.bounds import framing_fault, is_plain_path
from api_shim.edge.request import caller_request_id
from api_shim.edge.server.connections import is_over

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api_shim.edge.responses import Answer
    from api_shim.metrics import ShimMetrics

_QUIET_ROUTES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines; logged at debug level only."""

METRICS_PATH: Final = "/metrics"
"""Where the metrics are read."""

_METHODS: Final = frozenset({"GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that a metric may have as a label: any other text is a client's choice."""

_OTHER: Final = "other"
"""A route or method that is none of ours."""

_CLIENT_GONE_STATUS: Final = 499  # nginx' code for it; nobody sees it but logs and metrics
"""The status, in logs and metrics alone, of a request whose client left before its answer."""

_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
"""On every answer: a browser must not guess another type of content."""
_CLOSE: Final = (b"connection", b"close")
"""Tells the client that no further request is read from this connection."""
_ERROR: Final = 400
"""The least status of an error."""

_PROCESS: Final = secrets.token_hex(8)
"""What the request ids of this process begin with."""
_numbers: Final = itertools.count(secrets.randbits(32))

log = structlog.get_logger("api_shim.request")


class RequestContext:
    """The outermost ASGI layer."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: ShimMetrics,
        *,
        draining: Callable[[], bool],
        metrics_port: int = 0,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._draining = draining
        self._metrics_port = metrics_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        scope.setdefault("state", {})
        answer = _Answering(scope, send, request_id, draining=self._draining)
        try:
            await self._route(scope)(scope, receive, answer.send)
            status = answer.status
        except ClientDisconnect:
            status = _CLIENT_GONE_STATUS
        except asyncio.CancelledError:
            # uvicorn cancels what still runs when its time to stop is over. An answer that has begun is cut off.
            status = await answer.instead(responses.service_unavailable(), receive)
        except Exception as error:
            # Here and not in the server, whose log would show the exception's text.
            log.error("request_failed", request_id=request_id, exc_info=error)  # noqa: TRY400
            status = await answer.instead(responses.internal_error(), receive)
        self._tell(scope, answer, status=status, seconds=time.perf_counter() - started)

    def _tell(self, scope: Scope, answer: _Answering, *, status: int, seconds: float) -> None:
        # The route's own path, never what was sent: an unknown path or a query can hold anything.
        route = getattr(scope.get("route"), "path", _OTHER)
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        self._metrics.answered(method=method, route=route, status=status, seconds=seconds)
        state = scope["state"]
        fields = {name: state[name] for name in ("task_id", "reason") if name in state}
        if answer.is_streamed:
            fields["bytes"] = answer.length
        write = log.debug if route in _QUIET_ROUTES else log.info
        write(
            "request",
            request_id=answer.request_id,
            method=method,
            route=route,
            status=status,
            milliseconds=round(1000 * seconds, 2),
            **fields,
        )

    def _route(self, scope: Scope) -> ASGIApp:
        fault = framing_fault(scope)
        if fault is not None:
            return fault
        if not is_plain_path(scope) or self._is_at_the_wrong_port(scope):
            return responses.not_found()
        return self._app

    def _is_at_the_wrong_port(self, scope: Scope) -> bool:
        """Where metrics have a port of their own, they are nowhere else, and nothing else is there."""
        port = self._metrics_port
        return bool(port) and (scope["path"] == METRICS_PATH) != (scope["server"][1] == port)


class _Answering:
    """The answer to one request on its way out: adds what every answer has, and remembers what its log line needs."""

    __slots__ = ("_draining", "_scope", "_send", "is_streamed", "length", "request_id", "status")

    def __init__(self, scope: Scope, send: Send, request_id: str, *, draining: Callable[[], bool]) -> None:
        self._scope = scope
        self._send = send
        self._draining = draining
        self.request_id = request_id
        self.status = 0
        """0 until the head was sent."""
        self.length = 0
        """Bytes of the body that were sent."""
        self.is_streamed = False

    async def send(self, message: Message) -> None:
        """The ASGI `send` for the layers within.

        Raises:
            ClientDisconnect: the client has left, and what was to be sent is lost.
        """
        if is_over(self._send):
            raise ClientDisconnect
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message["headers"], (b"x-request-id", self.request_id.encode("ascii")), _NOSNIFF]
            if self._ends_the_connection() and _CLOSE not in headers:
                headers.append(_CLOSE)
            message["headers"] = headers
        await self._send(message)
        if message["type"] == "http.response.body":
            # uvicorn waits for room, and drops the message where the client leaves while it does.
            if is_over(self._send):
                raise ClientDisconnect
            self.length += len(message.get("body", b""))
            self.is_streamed |= message.get("more_body", False)

    async def instead(self, answer: Answer, receive: Receive) -> int:
        """Send this in place of an answer that failed, unless that has begun; the status that tells what became of it.

        An answer that has begun lacks its end, which the server tells the client by closing the connection.
        """
        if not self.status:
            try:
                await answer(self._scope, receive, self.send)
            except ClientDisconnect:
                return _CLIENT_GONE_STATUS
        return answer.status

    def _ends_the_connection(self) -> bool:
        return self._draining() or (self.status >= _ERROR and _awaits_consent(self._scope))


def _awaits_consent(scope: Scope) -> bool:
    """Whether the client may leave out the body that it announced: what comes next here would be unclear."""
    return any(name == b"expect" for name, _ in scope["headers"])


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return caller_request_id(value.decode("latin-1")) or new_request_id()
    return new_request_id()


def new_request_id() -> str:
    """An id that no other request has: the process' own part, and a number."""
    return f"{_PROCESS}{next(_numbers):016x}"
