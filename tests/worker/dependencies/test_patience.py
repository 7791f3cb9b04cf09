"""What a call does while its dependency is away or refuses."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from prometheus_client import generate_latest

from tests.support.waiting import wait_until
from tests.worker.dependencies.flaky import Flaky
from worker.dependencies.errors import GiveBackError, UnexplainedError
from worker.dependencies.patience import Patience

if TYPE_CHECKING:
    from worker.metrics import WorkerMetrics


def test_a_call_whose_dependency_is_away_is_repeated_until_it_works(metrics: WorkerMetrics) -> None:
    call = Flaky(failures=2)
    assert Patience(threading.Event(), metrics).until_done(call) == "done"
    assert call.calls == 3
    assert b'intake_dependency_failures_total{dependency="broker"} 2.0' in generate_latest(metrics.registry)


def test_a_call_that_works_is_made_also_while_the_worker_stops(metrics: WorkerMetrics) -> None:
    stopping = threading.Event()
    stopping.set()
    assert Patience(stopping, metrics).until_done(Flaky(failures=0)) == "done"


def test_a_worker_that_stops_does_not_wait_for_the_dependency_any_more(metrics: WorkerMetrics) -> None:
    stopping = threading.Event()
    call = Flaky(failures=float("inf"))
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            Patience(stopping, metrics).until_done(call)
        except GiveBackError as error:
            ended.append(error)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    wait_until(lambda: call.calls >= 2)
    stopping.set()
    thread.join(5)
    assert [type(error) for error in ended] == [GiveBackError]


def test_another_fault_is_not_waited_for(metrics: WorkerMetrics) -> None:
    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        Patience(threading.Event(), metrics).until_done(fail)


def test_a_call_that_is_refused_for_an_unknown_reason_is_tried_only_a_few_times(
    metrics: WorkerMetrics,
) -> None:
    calls: list[None] = []

    def refuse() -> None:
        calls.append(None)
        raise UnexplainedError("database", code="code_4711")

    with pytest.raises(UnexplainedError):
        Patience(threading.Event(), metrics).until_done(refuse)
    assert len(calls) == 3
    counted = {"dependency": "database", "code": "code_4711"}
    assert metrics.registry.get_sample_value("intake_dependency_refusals_total", counted) == 3
