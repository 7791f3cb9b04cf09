"""A collector that is away or silent delays no answer and no end of a process, and leaves no thread."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from local_stack.ports import free_port
from tests.support.collector import Collector, a_collector
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve

LONG_TIMEOUT: Final = {"OTEL_EXPORTER_OTLP_TIMEOUT": "100"}
"""An exporter that waited for the collector would wait longer than a test does."""

FEW: Final = {"OTEL_BSP_MAX_QUEUE_SIZE": "128", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "128"}
"""The worker's queue is full after twenty signups."""


@pytest.fixture(params=["away", "silent"])
def lost_collector(request: pytest.FixtureRequest) -> Iterator[Collector]:
    """A collector that takes nothing."""
    if request.param == "away":
        yield Collector(port=free_port())
        return
    with a_collector() as collector:
        collector.hangs = True
        yield collector


@pytest.mark.slow
def test_signups_go_on_and_processes_end_while_no_collector_answers(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve, lost_collector: Collector
) -> None:
    settings = {**lost_collector.settings, **LONG_TIMEOUT, **FEW}
    worker = start_worker(isolated_env, **settings)
    service = serve(start_shim(isolated_env, **settings), worker)

    outcomes = [service.create({"prefer": "wait=20"}).json() for _ in range(30)]

    assert [each["ok"] for each in outcomes] == [True] * 30
    service.http.close()
    for running in (service.shim, worker):
        running.process.ask_to_stop()
    assert service.shim.process.wait(15)
    assert worker.process.wait(15)
    for running in (service.shim, worker):
        assert "Traceback" not in running.log()
        assert "opentelemetry" not in running.log()


def test_lost_spans_are_counted_and_logged_now_and_then(
    isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    settings = {**Collector(port=free_port()).settings, "OTEL_EXPORTER_OTLP_TIMEOUT": "0.2"}
    service = serve(start_shim(isolated_env, **settings))
    for _ in range(5):
        service.create()

    wait_until(lambda: service.metric('intake_spans_total{result="failed"}') >= 10, timeout=20, what="all were lost")

    assert service.metric('intake_spans_total{result="recorded"}') >= 10
    assert len(service.lines("traces_not_exported")) == 1


CLOSED: Final = """
import sys, threading
from schemas.traceparent import TraceContext
from startup.tracing.trace_settings import TraceSettings
from startup.tracing.tracing import Span, SpanKind, open_tracing

class Counts:
    def spans(self, result, count): pass

tracing = open_tracing(TraceSettings(is_on=True, ratio=1), Counts(), component="test")
joined = tracing.joined(None)
assert joined is not None
context, _ = joined
for _ in range(50):
    tracing.record(Span(name="x", kind=SpanKind.INTERNAL, context=context, parent=None, started_ns=1, ended_ns=2))
tracing.close()
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(5)
print([thread.name for thread in threading.enumerate()])
"""


def test_no_thread_is_left_when_traces_are_closed_while_the_collector_is_away() -> None:
    settings = {**Collector(port=free_port()).settings, **LONG_TIMEOUT}
    done = subprocess.run(
        [sys.executable, "-c", CLOSED], capture_output=True, text=True, check=True, timeout=60, env=settings
    )

    assert done.stdout.splitlines()[-1] == "['MainThread']"
