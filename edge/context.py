"""Wraps every request: gives it an id, logs one line, counts it, and answers it whatever happens."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import structlog
from starlette.requests import ClientDisconnect

from edge.answers import responses
from edge.answers.answer import AnswerCutOffError
from edge.bounds import framing_fault, is_plain_path
from edge.request_ids import request_id_of
from edge.request_trace import begin_trace
from edge.server.connections import is_over

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.routing import Route
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from edge.answers.answer import Answer
    from edge.metrics import EdgeMetrics
    from edge.request_trace import RequestTrace
    from startup.tracing.tracing import Tracing

_QUIET_ROUTES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes that machines ask every few seconds. They are logged at debug level only."""

METRICS_PATH: Final = "/metrics"
"""The path that serves the metrics."""

_METHODS: Final = frozenset({"GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""The methods that a metric or a log line names. Clients could choose any other text, and each would be a new label."""

_OTHER: Final = "other"
"""Stands in metrics and logs for an unknown route or method."""

_CLIENT_GONE_STATUS: Final = 499  # nginx uses the same
"""The status of a request whose client left before its answer was complete. Only logs and metrics show it."""

_CUT_OFF: Final = "cut_off"
"""The reason in the log line of an answer whose rest could not be made."""

_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
"""A header of every answer: a browser must not guess another content type."""
_CLOSE: Final = (b"connection", b"close")
"""A header that tells the client: no further request is read from this connection."""
_ERROR: Final = 400
"""Statuses from this one on are errors."""

log = structlog.get_logger("edge.request")


class RequestContext:
    """The outermost ASGI layer of a process that serves HTTP."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: EdgeMetrics,
        *,
        routes: Sequence[Route] = (),
        draining: Callable[[], bool],
        metrics_port: int = 0,
        tracing: Tracing | None = None,
    ) -> None:
        """Wrap `app`. While `draining` is true, each answer ends its connection.

        Requests for one of `routes` go straight to it. They are routes of `app` too, but Starlette's router and the
        layers around it cost 22 µs a request: 7 % of an accept (`python -m bench accepts`).
        If `metrics_port` is not 0, that port serves the metrics alone and every other port serves everything else.
        Requests for one of `routes` are recorded by `tracing`. Where that is None, traces are off.
        """
        self._app = app
        self._metrics = metrics
        self._draining = draining
        self._metrics_port = metrics_port
        self._tracing = tracing
        self._routes = {
            (method, route.path): route
            for route in routes
            for method in route.methods or ()
            if not route.param_convertors
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Anything but HTTP, such as the lifespan, is passed on as it is."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = request_id_of(scope)
        scope.setdefault("state", {})
        trace = None if self._tracing is None else begin_trace(self._tracing, scope)
        if trace is not None:
            scope["state"]["trace"] = trace
        answer = _Answering(scope, send, request_id, draining=self._draining, trace=trace)
        try:
            await self._route(scope)(scope, receive, answer.send)
            status = answer.status
        except ClientDisconnect:
            status = _CLIENT_GONE_STATUS
            # A write may find the connection lost before uvicorn is told, in the next turn of the loop. Until then
            # uvicorn would log an error, since it takes the answer for one that was left incomplete.
            await asyncio.sleep(0)
        except AnswerCutOffError:
            scope["state"]["reason"] = _CUT_OFF
            status = answer.status
        except asyncio.CancelledError:
            # uvicorn cancels the requests that still run when the time of its stop is over. A request without an answer
            # gets a 503. An answer that has begun is cut off.
            status = await answer.instead(responses.service_unavailable(), receive)
        except Exception as error:
            # If the exception reached uvicorn, uvicorn's log would show its text, which may repeat what was sent.
            log.error("request_failed", request_id=request_id, exc_info=error)  # noqa: TRY400
            status = await answer.instead(responses.internal_error(), receive)
        self._tell(scope, answer, status=status, seconds=time.perf_counter() - started)

    def _tell(self, scope: Scope, answer: _Answering, *, status: int, seconds: float) -> None:
        # The path comes from the route that matched. A path or a query that was sent can hold anything.
        route = getattr(scope.get("route"), "path", _OTHER)
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        self._metrics.answered(method=method, route=route, status=status, seconds=seconds)
        state = scope["state"]
        fields = {name: state[name] for name in ("task_id", "batch_id", "reason") if name in state}
        if answer.is_streamed:
            fields["bytes"] = answer.length
        if answer.trace is not None:
            fields["trace_id"] = answer.trace.context.trace_id
            if (method, route) in self._routes:
                answer.trace.answered(method=method, route=route, status=status)
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
        route = self._routes.get((scope["method"], scope["path"]))
        if route is None:
            return self._app
        scope["route"] = route
        return route.app

    def _is_at_the_wrong_port(self, scope: Scope) -> bool:
        """Whether this port does not serve this path.

        If metrics have a port of their own, no other port serves them, and that port serves nothing else.
        """
        port = self._metrics_port
        return bool(port) and (scope["path"] == METRICS_PATH) != (scope["server"][1] == port)


class _Answering:
    """Sends the answer to one request. Adds the headers that every answer has, and keeps status and length to log."""

    __slots__ = ("_draining", "_scope", "_send", "is_streamed", "length", "request_id", "status", "trace")

    def __init__(
        self, scope: Scope, send: Send, request_id: str, *, draining: Callable[[], bool], trace: RequestTrace | None
    ) -> None:
        self._scope = scope
        self._send = send
        self._draining = draining
        self.request_id = request_id
        self.trace = trace
        """None where the request has none."""
        self.status = 0
        """The status that was sent; 0 until the head was sent."""
        self.length = 0
        """How many bytes of the body were sent."""
        self.is_streamed = False
        """Whether the body was sent in several pieces."""

    async def send(self, message: Message) -> None:
        """The ASGI `send` that the inner layers use.

        Raises:
            ClientDisconnect: the client has left, and this message did not reach it.
        """
        if is_over(self._send):
            raise ClientDisconnect
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message["headers"], (b"x-request-id", self.request_id.encode("ascii")), _NOSNIFF]
            if self.trace is not None:
                headers.append((b"server-timing", self.trace.server_timing))
            if self._ends_the_connection() and _CLOSE not in headers:
                headers.append(_CLOSE)
            message["headers"] = headers
        await self._send(message)
        if message["type"] == "http.response.body":
            # uvicorn may have waited for room to send. If the client left meanwhile, uvicorn dropped the message.
            if is_over(self._send):
                raise ClientDisconnect
            self.length += len(message.get("body", b""))
            self.is_streamed |= message.get("more_body", False)

    async def instead(self, answer: Answer, receive: Receive) -> int:
        """Send `answer` instead of one that failed, unless that one has begun. Returns the status for log and metrics.

        If the failed answer has begun, nothing is sent. The server then closes the connection, so the client knows that
        the answer is incomplete.
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
    """Whether the client waits for consent before it sends its body (`Expect: 100-continue`).

    After an error such a client may leave the announced body out. The server could not tell whether the next bytes are
    that body or a new request, so the connection has to end.
    """
    return any(name == b"expect" for name, _ in scope["headers"])
