"""Whatever a collector answers, each span is counted once, and the next ones are sent all the same."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from structlog.testing import capture_logs

from startup.tracing.trace_settings import TraceSettings
from startup.tracing.tracing import Span, SpanKind, open_tracing
from tests.support.collector import Collector, a_collector
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.server import BaseHTTPRequestHandler

    from startup.tracing.tracing import Tracing

    Behaviour = Callable[[BaseHTTPRequestHandler], None]

LATE: Final = "Mon, 1 Jan 99999999999999999999 00:00:00 GMT"
ZEROS: Final = gzip.compress(bytes(1_000_000))


class Counts:
    """Counts as a process' metrics do."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    def spans(self, result: str, count: int) -> None:
        self.counted[result] += count


@contextmanager
def _tracing(collector: Collector, counts: Counts) -> Iterator[Tracing]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**collector.settings, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}.items():
            patch.setenv(name, value)
        tracing = open_tracing(TraceSettings(is_on=True, ratio=1), counts, component="test")
    assert tracing is not None
    yield tracing
    tracing.close()


def _record(tracing: Tracing, name: str = "x") -> None:
    joined = tracing.joined(None)
    assert joined is not None
    tracing.record(Span(name=name, kind=SpanKind.INTERNAL, context=joined[0], parent=None, started_ns=1, ended_ns=2))


def _answer(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"content_length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def _raw(data: bytes) -> Behaviour:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(data)

    return behave


def _reset(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def _endless(piece: bytes, *, pause_seconds: float = 0, **headers: str) -> Behaviour:
    """An answer of 200 whose body never ends."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        pause = threading.Event()
        while not pause.wait(pause_seconds):
            handler.wfile.write(piece)

    return behave


REJECTED: Final = ExportTraceServiceResponse(
    partial_success=ExportTracePartialSuccess(rejected_spans=1, error_message="no")
).SerializeToString()


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        pytest.param(_answer(401), "status_401", id="401"),
        pytest.param(_answer(404, b"<html>"), "status_404", id="404"),
        pytest.param(_answer(413), "status_413", id="413"),
        pytest.param(_answer(429, retry_after="3600"), "status_429", id="429"),
        pytest.param(_answer(429, retry_after=LATE), "status_429", id="429 until a date beyond all"),
        pytest.param(_answer(500), "status_500", id="500"),
        pytest.param(_answer(308, location="http://127.0.0.1:1/"), "redirect", id="redirect"),
        pytest.param(_answer(200, REJECTED), "rejected", id="rejected"),
        pytest.param(_raw(b"\x00\x01garbage\r\n\r\n"), "unreachable", id="garbage"),
        pytest.param(_reset, "unreachable", id="reset"),
    ],
)
def test_spans_that_a_collector_does_not_take_are_counted_as_failed_and_the_log_says_why(
    behave: Behaviour, reason: str
) -> None:
    counts = Counts()
    with a_collector() as collector, _tracing(collector, counts) as tracing, capture_logs() as logs:
        collector.behave = behave
        _record(tracing)
        wait_until(lambda: counts.counted["failed"] == 1, what="it is counted")
        assert [(line["event"], line["spans"], line["reason"]) for line in logs] == [("traces_not_exported", 1, reason)]
        collector.behave = None
        _record(tracing, "next")
        wait_until(lambda: [span.name for span in collector.spans] == ["next"], what="the next one comes")
        wait_until(lambda: counts.counted["exported"] == 1, what="it is counted as well")


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(_answer(200, b"\xff" * 100), id="garbage"),
        pytest.param(_answer(200, ZEROS, content_encoding="gzip"), id="packed"),
        pytest.param(_endless(bytes(65536)), id="endless"),
        pytest.param(_endless(ZEROS, content_encoding="gzip"), id="endless and packed"),
        pytest.param(_endless(b"x", pause_seconds=0.05, content_length="1000000"), id="byte by byte"),
        pytest.param(_answer(200, b"x", content_length="100"), id="cut off"),
    ],
)
def test_spans_that_a_collector_takes_are_sent_whatever_its_answer_holds_besides(behave: Behaviour) -> None:
    counts = Counts()
    with a_collector() as collector, _tracing(collector, counts) as tracing:
        collector.behave = behave
        _record(tracing)
        wait_until(lambda: counts.counted["exported"] == 1, what="it is counted")
        collector.behave = None
        _record(tracing, "next")
        wait_until(lambda: [span.name for span in collector.spans] == ["next"], what="the next one comes")
    assert counts.counted["failed"] == 0


def test_a_collectors_cookies_are_not_kept() -> None:
    cookies: list[str | None] = []

    def behave(handler: BaseHTTPRequestHandler) -> None:
        cookies.append(handler.headers["cookie"])
        _answer(200, set_cookie=f"number{len(cookies)}=x")(handler)

    counts = Counts()
    with a_collector() as collector, _tracing(collector, counts) as tracing:
        collector.behave = behave
        for number in (1, 2):
            _record(tracing)
            wait_until(lambda: counts.counted["exported"] == number, what="it is counted")  # noqa: B023 - called at once
    assert cookies == [None, None]


def test_a_connection_to_the_collector_is_used_again() -> None:
    ports: list[int] = []
    counts = Counts()

    def behave(handler: BaseHTTPRequestHandler) -> None:
        ports.append(handler.client_address[1])
        handler.protocol_version = "HTTP/1.1"
        handler.close_connection = False
        _answer(200, b"{}")(handler)

    with a_collector() as collector, _tracing(collector, counts) as tracing:
        collector.behave = behave
        for number in (1, 2):
            _record(tracing)
            wait_until(lambda: counts.counted["exported"] == number, what="it is counted")  # noqa: B023 - called at once
    assert len(ports) == 2
    assert len({*ports}) == 1
