"""The span of each try to deliver an event: the last one of the trace that began with the client's call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from schemas.traceparent import TraceContext, parse_traceparent
from startup.tracing.tracing import Span, SpanKind

if TYPE_CHECKING:
    from notifier.sending.answers import Answer
    from schemas.protocol.steps.delivering import TakenEvent
    from startup.tracing.tracing import Tracing


class WebhookTraces:
    """The spans of tries."""

    def __init__(self, tracing: Tracing | None) -> None:
        """`tracing` is None where traces are off."""
        self._tracing = tracing

    def begin(self, taken: TakenEvent) -> WebhookTrace:
        """A try begins."""
        return WebhookTrace(self._tracing, taken)


class WebhookTrace:
    """The span of one try."""

    def __init__(self, tracing: Tracing | None, taken: TakenEvent) -> None:
        self._tracing = tracing
        self._taken = taken
        self._accepted = parse_traceparent(taken.traceparent) if tracing is not None else None
        self._context: TraceContext | None = None if self._accepted is None else self._accepted.child()
        self._started_ns = time.time_ns()

    @property
    def traceparent(self) -> str:
        """Under which the receiver may go on; empty where there is no trace."""
        return "" if self._context is None else self._context.traceparent

    @property
    def fields(self) -> dict[str, str]:
        """What log lines about the try say of its trace."""
        return {} if self._context is None else {"trace_id": self._context.trace_id}

    def end(self, endpoint: str, answer: Answer) -> None:
        """Record the try. The endpoint's URL is left out: it may hold a secret."""
        if self._tracing is None or self._context is None or not self._context.is_sampled:
            return
        attributes: dict[str, str | int] = {
            "http.request.method": "POST",
            "intake.endpoint": endpoint,
            "intake.event.id": self._taken.event.id,
            "intake.event.type": self._taken.event.type,
        }
        if answer.status:
            attributes["http.response.status_code"] = answer.status
        if self._taken.tries:
            attributes["http.request.resend_count"] = self._taken.tries
        self._tracing.record(
            Span(
                name="POST webhook",
                kind=SpanKind.CLIENT,
                context=self._context,
                parent=self._accepted,
                started_ns=self._started_ns,
                ended_ns=time.time_ns(),
                attributes=attributes,
                error="" if answer.is_delivered else answer.outcome,
            )
        )
