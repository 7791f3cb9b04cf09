"""Patience with dependencies, the sweeper's lease, and the renewal of the leases of tasks."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from schemas.ids import new_task_id
from schemas.protocol.keys import HELD_KEY, QUEUE, SWEEPER_LEASE_KEY
from schemas.protocol.steps.working import Delivery
from tests.support.records import Scripts
from tests.support.waiting import wait_until
from worker.dependencies.errors import GiveBackError, MisconfiguredError, TransientError, UnexplainedError
from worker.dependencies.gate import Gate
from worker.dependencies.patience import Patience
from worker.periodic import run_periodically
from worker.promise import sweeper
from worker.promise.leases import Leases
from worker.promise.sweeper import TASKS_A_CALL, Sweeper

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from worker.metrics import WorkerMetrics


class Flaky:
    """A call that fails a number of times and then answers."""

    def __init__(self, failures: float, *, dependency: str = "broker") -> None:
        self.failures = failures
        self.dependency = dependency
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise TransientError(self.dependency)
        return "done"


# Patience


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


# The gate


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
    patience = Patience(threading.Event(), metrics, gate=gate, hold_seconds=1)
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


# The sweeper


def a_sweeper(client: redis.Redis, metrics: WorkerMetrics, **changes: Any) -> Sweeper:
    settings: dict[str, Any] = {"interval_seconds": 60, "grace_seconds": 1, "lease_seconds": 60} | changes
    return Sweeper(client, metrics=metrics, **settings)


def lose_a_task(client: redis.Redis) -> str:
    return lose_tasks(client, 1)[0]


def lose_tasks(client: redis.Redis, count: int) -> list[str]:
    scripts, task_ids = Scripts(client), [new_task_id() for _ in range(count)]
    scripts.accept_all(task_ids)
    client.ltrim(QUEUE, count, -1)
    scripts.start_all(task_ids, lease_milliseconds=0)  # A worker started them and died, and its leases have run out.
    scripts.age(*task_ids, milliseconds=10_000)
    return task_ids


def test_a_lost_task_is_sent_again_with_its_own_message_and_counted(
    redis_client: redis.Redis, metrics: WorkerMetrics
) -> None:
    task_id = lose_a_task(redis_client)
    assert a_sweeper(redis_client, metrics).sweep_if_due() == 1
    scripts = Scripts(redis_client)
    assert scripts.queued() == [scripts.messages.message(task_id)]
    assert b"intake_tasks_resent_total 1.0" in generate_latest(metrics.registry)


def test_of_several_workers_only_one_sweeps_in_each_interval(redis_client: redis.Redis, metrics: WorkerMetrics) -> None:
    first, second = (a_sweeper(redis_client, metrics) for _ in range(2))
    lose_a_task(redis_client)
    assert first.sweep_if_due() == 1
    lose_a_task(redis_client)
    redis_client.delete("customer.create")
    assert second.sweep_if_due() == 0
    assert first.sweep_if_due() == 0


def test_the_sweepers_lease_ends_within_the_interval(redis_client: redis.Redis, metrics: WorkerMetrics) -> None:
    a_sweeper(redis_client, metrics, interval_seconds=60).sweep_if_due()
    assert 50_000 < redis_client.pttl(SWEEPER_LEASE_KEY) < 60_000
    redis_client.delete(SWEEPER_LEASE_KEY)  # This is as if the lease had expired.
    lose_a_task(redis_client)
    assert a_sweeper(redis_client, metrics).sweep_if_due() == 1


def test_a_sweep_goes_through_all_pages(redis_client: redis.Redis, metrics: WorkerMetrics) -> None:
    lose_tasks(redis_client, 4 * TASKS_A_CALL + 1)
    with capture_logs() as lines:
        assert a_sweeper(redis_client, metrics).sweep_if_due() == 4 * TASKS_A_CALL + 1
    # Only some of them are named.
    assert [line["event"] for line in lines] == ["task_resent"] * 100 + ["tasks_resent"]
    assert lines[-1]["count"] == 4 * TASKS_A_CALL + 1


def test_a_long_sweep_stops_and_the_next_sweep_of_any_worker_goes_on_from_there(
    redis_client: redis.Redis, metrics: WorkerMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "TASKS_A_CALL", 10)
    monkeypatch.setattr(sweeper, "CALLS_A_SWEEP", 3)
    scripts, held = Scripts(redis_client), [new_task_id() for _ in range(40)]
    scripts.accept_all(held)
    scripts.age(*held, milliseconds=100_000)
    for task_id in held:
        scripts.start(task_id, lease_milliseconds=60_000)
    redis_client.delete(QUEUE)
    lost = lose_a_task(redis_client)  # The lost task was sent after all of these.
    assert a_sweeper(redis_client, metrics).sweep_if_due() == 0
    redis_client.delete(SWEEPER_LEASE_KEY)  # This is as if the lease had expired.
    assert a_sweeper(redis_client, metrics).sweep_if_due() == 1
    assert scripts.queued() == [scripts.messages.message(lost)]


def test_the_sweepers_lease_is_renewed_while_it_sweeps(redis_client: redis.Redis, metrics: WorkerMetrics) -> None:
    lose_a_task(redis_client)
    redis_client.config_resetstat()
    a_sweeper(redis_client, metrics, interval_seconds=60).sweep_if_due()
    assert redis_client.info("commandstats")["cmdstat_pexpire"]["calls"] >= 1


def test_a_sweepers_lease_of_a_clock_that_was_set_back_ends_within_the_interval(
    redis_client: redis.Redis, metrics: WorkerMetrics
) -> None:
    redis_client.set(SWEEPER_LEASE_KEY, "a dead worker", px=3_600_000)
    assert a_sweeper(redis_client, metrics, interval_seconds=60).sweep_if_due() == 0
    assert 0 < redis_client.pttl(SWEEPER_LEASE_KEY) < 60_000


# Leases


LEASE_SECONDS = 30.0


def accept(client: redis.Redis) -> str:
    task_id = new_task_id()
    Scripts(client).accept(task_id)
    return task_id


def test_the_leases_of_all_tasks_that_a_worker_holds_are_renewed(redis_client: redis.Redis) -> None:
    mine, others = accept(redis_client), accept(redis_client)
    leases = Leases(redis_client, lease_seconds=LEASE_SECONDS)
    redis_client.zadd(HELD_KEY, {mine: 1.0, others: 1.0})
    before = time.time()
    with leases.holding([Delivery(mine, "d1")]):
        assert leases.renew() == 1
    ends = redis_client.zscore(HELD_KEY, mine)
    assert isinstance(ends, float)
    assert before - 1 <= ends / 1000 - LEASE_SECONDS <= time.time() + 1
    assert redis_client.zscore(HELD_KEY, others) == 1.0


def test_a_task_that_was_taken_since_the_last_renewal_is_part_of_the_next_one(redis_client: redis.Redis) -> None:
    first, second = accept(redis_client), accept(redis_client)
    leases = Leases(redis_client, lease_seconds=LEASE_SECONDS)
    leases.hold(Delivery(first, "d1"))
    assert leases.renew_new() == 1
    leases.hold(Delivery(second, "d2"))
    leases.hold(Delivery(new_task_id(), "d3"))
    leases.let_go(Delivery("", "d3"))
    ends = redis_client.zscore(HELD_KEY, first)
    assert leases.renew_new() == 1
    assert redis_client.zscore(HELD_KEY, first) == ends
    assert redis_client.zscore(HELD_KEY, second) is not None
    assert leases.renew_new() == 0
    assert leases.count() == leases.renew() == 2


def test_two_deliveries_of_one_task_are_held_until_both_have_ended(redis_client: redis.Redis) -> None:
    leases = Leases(redis_client, lease_seconds=LEASE_SECONDS)
    task_id = accept(redis_client)
    with leases.holding([Delivery(task_id, "d1")]):
        with leases.holding([Delivery(task_id, "d2")]):
            assert leases.renew() == 2
        assert leases.renew() == 1
    assert leases.renew() == 0


def test_a_worker_that_holds_nothing_asks_redis_for_nothing(redis_client: redis.Redis) -> None:
    leases = Leases(redis_client, lease_seconds=LEASE_SECONDS)
    with leases.holding([Delivery(new_task_id(), "d1")]):
        pass
    assert leases.renew() == 0
    assert redis_client.dbsize() == 0


# Periodic jobs


def test_a_job_that_fails_is_called_again_until_the_worker_stops() -> None:
    stopping = threading.Event()
    calls: list[None] = []

    def job() -> None:
        calls.append(None)
        raise LookupError

    thread = run_periodically(job, name="job", interval_seconds=0.01, stopping=stopping)
    wait_until(lambda: len(calls) >= 3)
    stopping.set()
    thread.join(5)
    assert not thread.is_alive()
