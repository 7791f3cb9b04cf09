"""A collector of traces: what OpenTelemetry's exporters send to is a real server here, which may be slow or away."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class SeenSpan:
    """A span that came."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    """Empty for the first one of a trace."""
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]
    """Trace id and span id of each."""
    is_error: bool


@dataclass
class Collector:
    """What came so far."""

    port: int = 0
    hangs: bool = False
    """Whether it takes requests and never answers."""
    behave: Callable[[BaseHTTPRequestHandler], None] | None = None
    """Answers in place of the collector, which then takes nothing."""
    asked: int = 0
    raw: list[bytes] = field(default_factory=list)
    spans: list[SeenSpan] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """The variables of a process that sends every trace here, soon."""
        return {
            "INTAKE_TRACES": "1",
            "INTAKE_TRACES_RATIO": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "NO_PROXY": "127.0.0.1",
        }

    def of_trace(self, trace_id: str) -> list[SeenSpan]:
        """The spans of this trace, in the order of their starts."""
        return sorted((span for span in self.spans if span.trace_id == trace_id), key=lambda span: span.start_ns)

    def wait_for(self, trace_id: str, *names: str, timeout: float = 20) -> list[SeenSpan]:
        """Wait until the trace has spans of these names. Returns all that it has then."""

        def are_there() -> bool:
            return set(names) <= {span.name for span in self.of_trace(trace_id)}

        wait_until(are_there, timeout=timeout, what=f"the trace has {names}")
        return self.of_trace(trace_id)

    def take(self, body: bytes) -> None:
        """Take what an exporter sent."""
        self.raw.append(body)
        request = ExportTraceServiceRequest.FromString(body)
        for resource_spans in request.resource_spans:
            of_resource = {each.key: each.value.string_value for each in resource_spans.resource.attributes}
            for scope_spans in resource_spans.scope_spans:
                self.spans += [_seen(span, of_resource["service.name"]) for span in scope_spans.spans]


def _seen(span: Any, service: str) -> SeenSpan:
    return SeenSpan(
        service=service,
        name=span.name,
        kind=span.kind,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes={
            each.key: each.value.string_value if each.value.HasField("string_value") else each.value.int_value
            for each in span.attributes
        },
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        is_error=span.status.code == _STATUS_ERROR,
    )


_STATUS_ERROR = 2


def orphans(spans: list[SeenSpan], *, outside: str = "") -> list[SeenSpan]:
    """The spans whose parent is neither among them nor `outside`, the client's own span."""
    known = {span.span_id for span in spans} | {outside, ""}
    return [span for span in spans if span.parent_id not in known]


@contextmanager
def a_collector() -> Iterator[Collector]:
    """Run a collector until the block ends."""
    collector = Collector()
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.asked += 1
            body = self.rfile.read(int(self.headers["content-length"]))
            if collector.hangs:
                ended.wait(60)
                return
            if collector.behave is not None:
                self.close_connection = True
                with suppress(OSError):
                    collector.behave(self)
                return
            collector.take(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        handle_error: Callable[..., None] = lambda *_: None  # a process under test may hang up

    server = Server(("127.0.0.1", 0), Handler)
    collector.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield collector
    ended.set()
    server.shutdown()
    server.server_close()
