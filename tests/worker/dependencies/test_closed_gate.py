"""While the database cannot be used, tasks are held for a while, and then given back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.waiting import wait_until
from tests.worker.dependencies.flaky import Flaky
from worker.dependencies.errors import GiveBackError, MisconfiguredError, TransientError
from worker.dependencies.gate import Gate
from worker.dependencies.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.metrics import WorkerMetrics


class Database:
    """A database that works, is away, or refuses, as the test says."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.probes = 0

    def __call__(self) -> None:
        self.probes += 1
        if self.fault is not None:
            raise self.fault


AWAY = TransientError("database")
REFUSES = MisconfiguredError("database", code="Unauthorized")


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def gate(database: Database, metrics: WorkerMetrics) -> Iterator[Gate]:
    """An open gate, and the thread that keeps it."""
    gate, stopping = Gate("database", database, metrics=metrics), threading.Event()
    assert not gate.is_open
    gate.open_when_usable(stopping)
    keeper = threading.Thread(target=gate.keep, args=(stopping,), daemon=True)
    keeper.start()
    yield gate
    stopping.set()
    gate.close(AWAY)  # This wakes the thread.
    keeper.join(10)
    assert not keeper.is_alive()


def taking(metrics: WorkerMetrics) -> float | None:
    return metrics.registry.get_sample_value("intake_taking_tasks")


def test_a_task_is_held_for_a_while_and_then_given_back_and_further_ones_are_given_back_at_once(
    gate: Gate, database: Database, metrics: WorkerMetrics
) -> None:
    patience = Patience(threading.Event(), metrics, gate=gate, hold_seconds=3)
    database.fault = AWAY
    held = Flaky(failures=float("inf"), dependency="database")
    with pytest.raises(GiveBackError):
        patience.until_done(held)
    assert held.calls > 1
    assert (gate.is_open, gate.is_refused, taking(metrics)) == (False, False, 0)
    with pytest.raises(GiveBackError):
        patience.check()
    next_one = Flaky(failures=float("inf"), dependency="database")
    with pytest.raises(GiveBackError):
        patience.until_done(next_one)
    assert next_one.calls == 1

    database.fault = None
    wait_until(lambda: gate.is_open, what="the gate opens")
    patience.check()
    assert taking(metrics) == 1


def test_while_redis_is_away_nothing_is_given_back(gate: Gate, metrics: WorkerMetrics) -> None:
    patience = Patience(threading.Event(), metrics, gate=gate, hold_seconds=0)
    assert patience.until_done(Flaky(failures=3)) == "done"
    assert gate.is_open


def test_a_database_that_refuses_closes_the_gate_at_once_until_it_takes_inserts_again(
    gate: Gate, database: Database, metrics: WorkerMetrics
) -> None:
    def refuse() -> None:
        raise REFUSES

    database.fault = REFUSES
    with pytest.raises(GiveBackError):
        Patience(threading.Event(), metrics, gate=gate).until_done(refuse)
    assert (gate.is_open, gate.is_refused) == (False, True)
    probes = database.probes
    wait_until(lambda: database.probes > probes, what="it is asked again")
    assert gate.is_refused
    database.fault = AWAY
    wait_until(lambda: not gate.is_refused, what="it is no longer refused, but away")
    assert not gate.is_open
    database.fault = None
    wait_until(lambda: gate.is_open, timeout=20, what="the gate opens")


def test_a_probe_that_fails_in_an_unforeseen_way_is_repeated(gate: Gate, database: Database) -> None:
    database.fault = LookupError()
    gate.close(AWAY)
    wait_until(lambda: gate.is_refused, what="it has failed")
    database.fault = None
    wait_until(lambda: gate.is_open, what="the gate opens")


def test_a_dependency_that_does_not_answer_is_told_of_before_any_task_needs_it(
    gate: Gate, database: Database, metrics: WorkerMetrics
) -> None:
    gate.listen()
    assert gate.away_since_milliseconds is None
    database.fault = AWAY
    times: set[int | None] = set()
    for _ in range(2):
        gate.listen()
        times.add(gate.away_since_milliseconds)
    assert len(times - {None}) == len(times) == 1
    # Whether a task can wait for it any longer is for the task to say.
    assert (gate.is_open, taking(metrics)) == (True, 1)
    assert metrics.registry.get_sample_value("intake_dependency_failures_total", {"dependency": "database"}) == 2
    database.fault = None
    gate.listen()
    assert gate.away_since_milliseconds is None


def test_a_gate_that_is_closed_tells_since_when_the_dependency_has_not_answered(gate: Gate, database: Database) -> None:
    database.fault = AWAY
    gate.listen()
    since = gate.away_since_milliseconds
    gate.close(AWAY)
    assert gate.away_since_milliseconds == since
    database.fault = None
    wait_until(lambda: gate.is_open, what="the gate is open again")
    assert gate.away_since_milliseconds is None


def test_a_dependency_that_refuses_when_it_is_asked_closes_the_gate_and_the_gate_tells_what_to_mend(
    gate: Gate, database: Database
) -> None:
    database.fault = MisconfiguredError("database", code="Unauthorized", concerns="right find", advice="grant it")
    gate.listen()
    assert gate.refusal == "Unauthorized (right find): grant it"
    database.fault = AWAY
    wait_until(lambda: gate.refusal is None, what="it is away and refuses nothing")
    database.fault = None
    wait_until(lambda: gate.is_open, what="the gate is open again")


def test_a_dependency_that_a_starting_worker_has_not_asked_yet_is_not_told_as_away(metrics: WorkerMetrics) -> None:
    stopping = threading.Event()
    asked = threading.Event()

    def probe() -> None:
        if asked.is_set():
            stopping.set()
        asked.set()
        raise AWAY

    gate = Gate("broker", probe, metrics=metrics)
    assert gate.away_since_milliseconds is None
    gate.open_when_usable(stopping)
    assert gate.away_since_milliseconds is not None
