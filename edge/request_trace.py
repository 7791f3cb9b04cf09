"""The trace of one HTTP request: the span of the request itself, and that of the message which it sends to workers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from startup.tracing.messaging import MESSAGE_ID, Operation, of_operation, span_name
from startup.tracing.tracing import Span, SpanKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Scope

    from schemas.protocol.lanes import Lane
    from schemas.traceparent import TraceContext
    from startup.tracing.tracing import Tracing

_TRACEPARENT: Final = b"traceparent"
"""The header by which a caller names its trace."""
_NO_GOOD_TOKEN: Final = 401
"""The status of a call that nobody vouches for."""
_SERVER_ERROR: Final = 500
"""Statuses from this one on are this service's own failures."""


class _Message(NamedTuple):
    """A message that is being sent."""

    lane: Lane
    context: TraceContext
    started_ns: int


class RequestTrace:
    """What is recorded of one request.

    A caller's trace that is not sampled has its place in logs and in the answer all the same.
    """

    __slots__ = ("_message", "_parent", "_started_ns", "_tracing", "context")

    def __init__(self, tracing: Tracing, context: TraceContext, parent: TraceContext | None) -> None:
        """The request has the place `context` in the trace."""
        self._tracing = tracing
        self.context = context
        self._parent = parent
        self._started_ns = time.time_ns() if self.context.is_sampled else 0
        self._message: _Message | None = None

    @property
    def server_timing(self) -> bytes:
        """The value of the header `Server-Timing` that tells the client this request's place in its trace."""
        return f'traceparent;desc="{self.context.traceparent}"'.encode("ascii")

    def sending(self, lane: Lane) -> str:
        """Begin to send to workers. Returns the `traceparent` under which they go on."""
        if not self.context.is_sampled:
            # Nobody records a span. So the message may have the same place as the request.
            return self.context.traceparent
        self._message = _Message(lane, self.context.child(), time.time_ns())
        return self._message.context.traceparent

    def sent(self, message_id: str) -> None:
        """Record that the task or the batch of this id is accepted."""
        message, self._message = self._message, None
        if message is not None:
            self._record(message, {MESSAGE_ID: message_id})

    def answered(self, *, method: str, route: str, status: int) -> None:
        """Record the request. A call without a good token leaves no span: strangers could fill the collector."""
        if not self.context.is_sampled or status == _NO_GOOD_TOKEN:
            return
        message = self._message
        if message is not None:
            # Workers may have got it all the same, where Redis' answer was lost. Their spans have a parent then.
            self._record(message, {}, error=str(status))
        self._tracing.record(
            Span(
                name=f"{method} {route}",
                kind=SpanKind.SERVER,
                context=self.context,
                parent=self._parent,
                started_ns=self._started_ns,
                ended_ns=time.time_ns(),
                attributes={
                    "http.request.method": method,
                    "http.response.status_code": status,
                    "http.route": route,
                    "url.path": route,
                    "url.scheme": "http",
                },
                error=str(status) if status >= _SERVER_ERROR else "",
            )
        )

    def _record(self, message: _Message, of_message: dict[str, str | int], *, error: str = "") -> None:
        self._tracing.record(
            Span(
                name=span_name(Operation.SEND, message.lane),
                kind=SpanKind.PRODUCER,
                context=message.context,
                parent=self.context,
                started_ns=message.started_ns,
                ended_ns=time.time_ns(),
                attributes={**of_operation(Operation.SEND, message.lane), **of_message},
                error=error,
            )
        )


def begin_trace(tracing: Tracing, scope: Scope) -> RequestTrace | None:
    """Go on with the trace that the request names, or begin one. None where nobody would see anything of it."""
    joined = tracing.joined(_traceparent(scope["headers"]))
    return None if joined is None else RequestTrace(tracing, *joined)


def _traceparent(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The caller's header. None where there is none, or several: nobody knows then which one is meant."""
    found = None
    for name, value in headers:
        if name == _TRACEPARENT:
            if found is not None:
                return None
            found = value
    return None if found is None else found.decode("latin-1")


class _Untraced:
    """Stands for the trace of a request that has none."""

    def sending(self, _lane: Lane) -> str:
        """Begin to send. Workers go on without a trace."""
        return ""

    def sent(self, _message_id: str) -> None:
        """Record nothing."""


UNTRACED: Final = _Untraced()
"""The trace of each request that has none: traces are off, or this one is not sampled."""

Trace = RequestTrace | _Untraced
